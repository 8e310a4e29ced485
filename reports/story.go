package reports

import (
	"strconv"
	"strings"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/markdown"
)

// shownStories is how many stories of a run the overview of a batch shows.
const shownStories = 1

// drawStories writes what happened to the payments and accounts that fail a check.
func drawStories(b *strings.Builder, s format.Style, indent string, stories []result.Story) {
	for _, t := range stories {
		b.WriteByte('\n')
		s.Item(b, indent, nil, s.Paint(format.Bold, format.Clean(storyTitle(t))))
		width := 0
		for _, l := range t.Lines {
			width = max(width, len(storyTime(l)))
		}
		for _, l := range t.Lines {
			s.Item(b, indent+"  ", []format.Cell{format.Dim.Cell(format.Pad(storyTime(l), width, true))}, format.Clean(l.Text))
		}
	}
}

func storyTitle(t result.Story) string {
	return "what happened to " + t.Subject() + " (" + strings.Join(t.Checks, ", ") + ")"
}

// storyTime is the offset of a line in seconds, with milliseconds.
func storyTime(l result.StoryLine) string {
	return strconv.FormatFloat(l.At.Seconds(), 'f', 3, 64) + "s"
}

// listStories writes the stories as lists of Markdown.
func listStories(b *strings.Builder, stories []result.Story) {
	for _, t := range stories {
		b.WriteString("\n**" + markdown.Escape(storyTitle(t)) + "**\n\n")
		for _, l := range t.Lines {
			b.WriteString("- " + storyTime(l) + " " + markdown.Escape(l.Text) + "\n")
		}
	}
	if len(stories) > 0 {
		b.WriteByte('\n')
	}
}

// Stories is the report of what happened to the payments and accounts of a run that fail
// a check.
func Stories(stories []result.Story) Report {
	return drawn(func(s format.Style) string {
		var b strings.Builder
		drawStories(&b, s, "", stories)
		return b.String()
	})
}
