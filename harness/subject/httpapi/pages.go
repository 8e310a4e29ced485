package httpapi

import (
	"context"
	"fmt"
	"reflect"

	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/exchange/language"
	"github.com/onebar/onebar/harness/subject/httpapi/transport"
)

// listing is what to do with the items of a list. The texts are for messages.
type listing struct {
	of   string // whose pages, such as "the ledger"
	id   string // what an id is of, such as "a booking of id"
	mend string // what to do if two items have one id

	// take returns the id of an item, and what adds the item to the result; nil leaves it out.
	take func(item any) (id string, add func(), err error)
	// tell adds to the step of a page what it lists; counted is how many of its items were
	// not left out. Nil adds nothing.
	tell func(step *transport.Step, items []any, number, counted int)
}

type seen struct {
	item any
	page int
}

// differentError is the error of two pages that have different items of one id.
type differentError struct{ text string }

func (e differentError) Error() string { return e.text }

const maxPages = 100_000

// pages reads all pages of a list. An item that is on two pages, because a new one has
// moved it to the next page meanwhile, is added once. Two items of one id that differ, or
// that are on one page, are an error.
func (l *Ledger) pages(ctx context.Context, list *exchange.List, o listing) error {
	known, read := map[string]seen{}, map[string]bool{}
	v := l.run.With(language.Until(ctx))
	request, page := list.First, exchange.Page{Number: 1}
	for path := list.Path; ; page.Number++ {
		x, step, err := l.get(ctx, request, path)
		if err != nil {
			return err
		}
		items, next, err := list.Page(x.Answer, page, v)
		if err != nil {
			err = fmt.Errorf("page %d of %s, GET %s: %w; it says: %s", page.Number, o.of, path, err, l.secrets.Excerpt(x.Answer))
		} else {
			err = o.page(ctx, items, page.Number, known, step)
		}
		if step.End(x, err); err != nil {
			return err
		}
		page.Offset += len(items)
		read[path] = true
		switch {
		case next == "":
			return nil
		case read[next]:
			return fmt.Errorf("page %d of %s leads back to %s, which was read already; check next", page.Number, o.of, next)
		case page.Number == maxPages:
			return fmt.Errorf("%s has more than %d pages; check next", o.of, maxPages)
		}
		request, path = list.Next(next), next
	}
}

// page adds the items of a page that are new. Known are those of the pages so far.
func (o listing) page(ctx context.Context, items []any, number int, known map[string]seen, step *transport.Step) error {
	counted := 0
	for i, item := range items {
		if err := ctx.Err(); err != nil {
			return err // each expression may take its time
		}
		id, add, err := o.take(item)
		if err != nil {
			return fmt.Errorf("page %d of %s, item %d: %w", number, o.of, i+1, err)
		}
		if add == nil {
			continue
		}
		counted++
		earlier, again := known[id]
		switch {
		case !again:
			known[id] = seen{item, number}
			add()
		case earlier.page == number:
			return fmt.Errorf("page %d of %s lists %s %q twice; %s", number, o.of, o.id, id, o.mend)
		case !reflect.DeepEqual(earlier.item, item):
			return differentError{fmt.Sprintf("pages %d and %d of %s list %s %q with different content; %s", earlier.page, number, o.of, o.id, id, o.mend)}
		}
	}
	if o.tell != nil && step != nil {
		o.tell(step, items, number, counted)
	}
	return nil
}
