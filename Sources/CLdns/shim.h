/* SPDX-License-Identifier: Apache-2.0 */
#include <ldns/ldns.h>
