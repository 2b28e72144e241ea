package store

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

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

// prefixed lists columns of the table known as alias, if it is.
func prefixed(alias string, columns []string) string {
	if alias != "" {
		alias += "."
	}
	return alias + strings.Join(columns, ", "+alias)
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

// update changes the columns of an organization's row.
// Errors: fault.NotFound, which names what.
func update[R any](ctx context.Context, q querier, table, what string, row R, columns ...string) error {
	values := map[string]any{}
	for i, v := range valuesOf(row) {
		values[columnsOf[R]()[i]] = v
	}
	arguments, changes := []any{values["organization_id"], values["id"]}, make([]string, len(columns))
	for i, c := range columns {
		arguments = append(arguments, values[c])
		changes[i] = fmt.Sprintf("%s = $%d", c, len(arguments))
	}
	query := "UPDATE " + table + " SET " + strings.Join(changes, ", ") + " WHERE organization_id = $1 AND id = $2 RETURNING id"
	var id core.ID
	return notFound(q.get(ctx, &id, query, arguments...), what)
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

// add takes a condition with %[1]s, or one %s, where the argument goes.
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

// within narrows to the moments from one until another; zero ones do not narrow.
func (w *where) within(column string, from, until time.Time) {
	if !from.IsZero() {
		w.add(column+" >= %s", Time{from})
	}
	if !until.IsZero() {
		w.add(column+" < %s", Time{until})
	}
}

// in narrows to some values; none does not narrow. condition has %s for
// "IN (the values)".
func in[T ~string](w *where, condition string, values []T) {
	if len(values) == 0 {
		return
	}
	list := placeholders(len(w.arguments)+1, len(values))
	for _, v := range values {
		w.arguments = append(w.arguments, v)
	}
	w.conditions = append(w.conditions, fmt.Sprintf(condition, "IN ("+list+")"))
}

func (w *where) String() string { return " WHERE " + strings.Join(w.conditions, " AND ") }

// owned narrows to what an organization owns. It is the first condition of
// every list, so the organization is $1.
func owned(organization core.ID) where {
	var w where
	w.add("organization_id = %s", organization)
	return w
}

// inSight narrows to what s shows. condition has %s for "IN (the jobs)".
func (w *where) inSight(s core.Sight, condition string) {
	switch {
	case !s.Limited:
	case len(s.Jobs) == 0:
		w.conditions = append(w.conditions, "1 = 0")
	default:
		in(w, condition, s.Jobs)
	}
}

// readByID returns those of the rows within w that exist.
func readByID[R any](ctx context.Context, q querier, table string, w where, ids []core.ID) ([]R, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	in(&w, "id %s", ids)
	rows := []R{}
	err := q.list(ctx, &rows, selectFrom[R](table)+w.String(), w.arguments...)
	return rows, err
}

// outermost asks for the oldest or newest rows of several groups.
type outermost struct {
	table  string
	group  string // the column that parts the groups
	newest bool   // and newest first
	each   int    // rows of a group at most
}

// readOutermost reads them in one statement, in the order of their ids.
func readOutermost[R any](ctx context.Context, q querier, o outermost, organization core.ID, groups []core.ID) ([]R, error) {
	if len(groups) == 0 {
		return nil, nil
	}
	order := "id"
	if o.newest {
		order = "id DESC"
	}
	w := owned(organization)
	in(&w, o.group+" %s", groups)
	columns := strings.Join(columnsOf[R](), ", ")
	query := fmt.Sprintf("SELECT %s FROM (SELECT %s, row_number() OVER (PARTITION BY %s ORDER BY %s) AS n FROM %s%s) AS numbered WHERE n <= %d ORDER BY %s",
		columns, columns, o.group, order, o.table, &w, o.each, order)
	rows := []R{}
	err := q.list(ctx, &rows, query, w.arguments...)
	return rows, err
}

// listing is a list that is read page by page, in the order of its ids, or of
// a key and then the ids.
type listing struct {
	table       string
	where       where
	newestFirst bool // or, with a key, descending
	// key is an SQL expression that is never NULL, with %[1]s for the row's name.
	key string
	// visible are the conditions, a part of where, that the row of a cursor
	// must meet: the key of another one must not be found out by paging.
	visible string
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
	by := "id " + order
	if l.key != "" {
		by = fmt.Sprintf(l.key, l.table) + " " + order + ", " + by
	}
	query := fmt.Sprintf("%s%s ORDER BY %s LIMIT %d", selectFrom[R](l.table), &l.where, by, n+1)
	rows := []R{}
	if err := q.list(ctx, &rows, query, l.where.arguments...); err != nil {
		return nil, err
	}
	return paged(rows, n, p, backward), nil
}

// between adds the cursors' bounds.
func (l *listing) between(p core.Page) {
	after, before := ">", "<"
	if l.newestFirst {
		after, before = before, after
	}
	if p.After != "" {
		l.where.add(l.bound(after), p.After)
	}
	if p.Before != "" {
		l.where.add(l.bound(before), p.Before)
	}
}

// bound compares with a cursor, which is an id; its row tells the key. With a
// key, nothing is beyond a cursor whose row is not there.
func (l *listing) bound(operator string) string {
	if l.key == "" {
		return "id " + operator + " %[1]s"
	}
	key := fmt.Sprintf(l.key, l.table)
	cursor := fmt.Sprintf("(SELECT %s FROM %s AS c%s AND c.id = %%[1]s)", fmt.Sprintf(l.key, "c"), l.table, l.visible)
	// The first half says nothing new, but lets SQLite begin at the cursor.
	return fmt.Sprintf("%[1]s %[2]s= %[3]s AND (%[1]s, id) %[2]s (%[3]s, %%[1]s)", key, operator, cursor)
}

func paged[R any](rows []R, n int, p core.Page, backward bool) *core.Paged[R] {
	more := len(rows) > n
	if more {
		rows = rows[:n]
	}
	if !backward {
		return &core.Paged[R]{Items: rows, HasNext: more || p.Before != "", HasPrevious: p.After != ""}
	}
	slices.Reverse(rows)
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
