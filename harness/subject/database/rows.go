package database

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onebar/onebar/harness"
)

// columns are the columns of a query. Needed ones must be present and not null; may are
// optional and may be null.
type columns struct{ needed, may []string }

func postingColumns() columns {
	return columns{
		needed: []string{"id", "payer", "payee", "amount", "currency"},
		may:    []string{"payment", "order"},
	}
}

func balanceColumns() columns {
	return columns{needed: []string{"account", "currency", "balance"}, may: []string{"floor"}}
}

// query calls each with every row, by the names of its columns in lower case. What is
// the name of the query in messages.
func query(ctx context.Context, tx *sql.Tx, what, text string, c columns, each func(map[string]string) error) error {
	rows, err := tx.QueryContext(ctx, text)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err has what went wrong
	names, err := rows.Columns()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	for i := range names {
		names[i] = strings.ToLower(names[i])
	}
	if err := c.check(names); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	values := make([]sql.NullString, len(names))
	places := make([]any, len(names))
	for i := range values {
		places[i] = &values[i]
	}
	for n := 1; rows.Next(); n++ {
		row := map[string]string{}
		err := rows.Scan(places...)
		for i, name := range names {
			if err == nil && !values[i].Valid && slices.Contains(c.needed, name) {
				err = fmt.Errorf("%s is null", name)
			}
			row[name] = values[i].String
		}
		if err == nil {
			err = each(row)
		}
		if err != nil {
			return fmt.Errorf("%s: row %d: %w", what, n, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// check reports columns that are missing, unknown or there twice.
func (c columns) check(names []string) error {
	var missing []string
	for _, name := range c.needed {
		if !slices.Contains(names, name) {
			missing = append(missing, name)
		}
	}
	gives := strings.Join(names, ", ")
	if len(missing) > 0 {
		return fmt.Errorf("it gives the columns %s, and %s missing: name them with AS", gives, isOrAre(missing))
	}
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("it gives the column %s twice", name)
		}
		if !slices.Contains(c.needed, name) && !slices.Contains(c.may, name) {
			return fmt.Errorf("it gives a column %s, which means nothing here; it may give %s and %s", name, strings.Join(c.needed, ", "), strings.Join(c.may, ", "))
		}
	}
	return nil
}

func isOrAre(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1] + " are"
}

func posting(row map[string]string) (harness.Posting, error) {
	amount, err := minor(row, "amount")
	return harness.Posting{
		ID: row["id"], Payment: row["payment"], Order: row["order"],
		Payer: row["payer"], Payee: row["payee"], Amount: amount, Currency: row["currency"],
	}, err
}

func balance(row map[string]string) (b harness.Balance, err error) {
	b = harness.Balance{Account: row["account"], Currency: row["currency"]}
	if b.Closing, err = minor(row, "balance"); err != nil {
		return b, err
	}
	if b.NoFloor = row["floor"] == ""; !b.NoFloor {
		b.Floor, err = minor(row, "floor")
	}
	return b, err
}

// minor reads an amount in minor units. A database may write 250 as 250.00.
func minor(row map[string]string, name string) (int64, error) {
	whole, fraction, _ := strings.Cut(row[name], ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || strings.Trim(fraction, "0") != "" {
		return 0, fmt.Errorf("%s %q is no whole number of minor units: multiply it in the query", name, row[name])
	}
	return n, nil
}
