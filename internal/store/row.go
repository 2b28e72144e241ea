package store

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/trellis-ats/trellis/core"
)

// columnsOf returns the columns of a row struct, in the order of its fields.
func columnsOf[R any]() []string {
	t := reflect.TypeFor[R]()
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Tag.Get("db")
	}
	return names
}

// selectFrom returns "SELECT all columns of R FROM table".
func selectFrom[R any](table string) string {
	return "SELECT " + strings.Join(columnsOf[R](), ", ") + " FROM " + table
}

// insertInto returns an INSERT for R; valuesOf gives its arguments.
func insertInto[R any](table string) string {
	columns := columnsOf[R]()
	return "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (" + placeholders(1, len(columns)) + ")"
}

// valuesOf returns the fields of a row struct, in the order of columnsOf.
func valuesOf(row any) []any {
	v := reflect.ValueOf(row)
	values := make([]any, v.NumField())
	for i := range values {
		values[i] = v.Field(i).Interface()
	}
	return values
}

// insert keeps one row.
func insert[R any](ctx context.Context, q querier, table string, row R) error {
	_, err := q.exec(ctx, insertInto[R](table), valuesOf(row)...)
	return err
}

// placeholders returns "$first, …", n of them.
func placeholders(first, n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("$%d", first+i)
	}
	return strings.Join(names, ", ")
}

// where gathers conditions and their arguments.
type where struct {
	conditions []string
	arguments  []any
}

// add takes a condition with %s where the argument goes.
func (w *where) add(condition string, argument any) {
	w.arguments = append(w.arguments, argument)
	w.conditions = append(w.conditions, fmt.Sprintf(condition, fmt.Sprintf("$%d", len(w.arguments))))
}

// equal narrows to a column's value; the empty one does not narrow.
func equal[T ~string](w *where, column string, value T) {
	if value != "" {
		w.add(column+" = %s", value)
	}
}

// in narrows to some of a column's values; none does not narrow.
func in[T ~string](w *where, column string, values []T) {
	if len(values) == 0 {
		return
	}
	list := placeholders(len(w.arguments)+1, len(values))
	for _, v := range values {
		w.arguments = append(w.arguments, v)
	}
	w.conditions = append(w.conditions, column+" IN ("+list+")")
}

func (w *where) String() string { return " WHERE " + strings.Join(w.conditions, " AND ") }

// readByID returns those of an organization's rows that exist.
func readByID[R any](ctx context.Context, q querier, table string, organization core.ID, ids []core.ID) ([]R, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var w where
	w.add("organization_id = %s", organization)
	in(&w, "id", ids)
	rows := []R{}
	err := q.list(ctx, &rows, selectFrom[R](table)+w.String(), w.arguments...)
	return rows, err
}

// listing is a list that is read page by page, in the order of its ids.
type listing struct {
	table       string
	where       where
	newestFirst bool
}

// defaultPage is the length of a page for a zero core.Page.
const defaultPage = 50

// readPage reads a page of rows. One row more than asked for tells whether
// there are more; a cursor tells that there are some on its other side.
func readPage[R any](ctx context.Context, q querier, l listing, p core.Page) (*core.Paged[R], error) {
	backward, n := p.Last > 0, p.First
	if backward {
		n = p.Last
	}
	if n == 0 {
		n = defaultPage
	}
	l.between(p)
	order := "ASC"
	if l.newestFirst != backward {
		order = "DESC"
	}
	query := fmt.Sprintf("%s%s ORDER BY id %s LIMIT %d", selectFrom[R](l.table), &l.where, order, n+1)
	rows := []R{}
	if err := q.list(ctx, &rows, query, l.where.arguments...); err != nil {
		return nil, err
	}
	return paged(rows, n, p, backward), nil
}

// between adds the cursors' bounds.
func (l *listing) between(p core.Page) {
	after, before := "id > %s", "id < %s"
	if l.newestFirst {
		after, before = before, after
	}
	if p.After != "" {
		l.where.add(after, p.After)
	}
	if p.Before != "" {
		l.where.add(before, p.Before)
	}
}

func paged[R any](rows []R, n int, p core.Page, backward bool) *core.Paged[R] {
	more := len(rows) > n
	if more {
		rows = rows[:n]
	}
	if !backward {
		return &core.Paged[R]{Items: rows, HasNext: more || p.Before != "", HasPrevious: p.After != ""}
	}
	for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
		rows[i], rows[j] = rows[j], rows[i]
	}
	return &core.Paged[R]{Items: rows, HasNext: p.Before != "", HasPrevious: more || p.After != ""}
}

// convertPage turns rows into what core knows.
func convertPage[R, T any](rows *core.Paged[R], err error, convert func(R) T) (*core.Paged[T], error) {
	if err != nil {
		return nil, err
	}
	return &core.Paged[T]{Items: convertAll(rows.Items, convert), HasNext: rows.HasNext, HasPrevious: rows.HasPrevious}, nil
}

func convertAll[R, T any](rows []R, convert func(R) T) []T {
	items := make([]T, len(rows))
	for i, r := range rows {
		items[i] = convert(r)
	}
	return items
}
