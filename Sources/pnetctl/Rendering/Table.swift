// SPDX-License-Identifier: Apache-2.0

/// Columns as wide as their widest cell, two spaces apart; lines of free text may stand between rows.
struct Table {
    /// A cell and how it stands out.
    struct Cell {
        let text: String
        var colour: Page.Colour?

        init(_ text: String, _ colour: Page.Colour? = nil) {
            self.text = text
            self.colour = colour
        }
    }

    private enum Line {
        case row([Cell])
        case free(String)
    }

    private let page: Page
    private var lines: [Line]
    private var widths: [Int]

    init(_ page: Page, heading: [String]) {
        self.page = page
        lines = [.row(heading.map { Cell($0, .heading) })]
        widths = heading.map(\.count)
    }

    mutating func add(_ cells: [Cell]) {
        for (column, cell) in cells.enumerated() { widths[column] = max(widths[column], cell.text.count) }
        lines.append(.row(cells))
    }

    /// Adds text as it is.
    mutating func add(free text: [String]) {
        lines += text.map { .free($0) }
    }

    var text: String {
        lines.map { line in
            switch line {
            case .free(let text): text + "\n"
            case .row(let cells): row(cells) + "\n"
            }
        }.joined()
    }

    private func row(_ cells: [Cell]) -> String {
        var text = ""
        for (column, cell) in cells.enumerated() {
            text += page.painted(cell.text, cell.colour)
            guard column < cells.count - 1 else { break }
            text += String(repeating: " ", count: widths[column] - cell.text.count + 2)
        }
        return text
    }
}
