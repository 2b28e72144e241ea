package model

import "sync"

// Batch is what was read together. Parts of its items are read together too,
// with one statement for all, whichever item is asked for its part first. It
// is safe for concurrent use.
type Batch[C any] struct {
	Items []*C
	mu    sync.Mutex
	parts map[string]*part
}

// part is whether a part of the items was read.
type part struct {
	once sync.Once
	err  error
}

// Once runs read the first time that it is called for a part. All callers wait
// for that and get its error.
func (b *Batch[C]) Once(name string, read func() error) error {
	b.mu.Lock()
	p := b.parts[name]
	if p == nil {
		p = &part{}
		if b.parts == nil {
			b.parts = map[string]*part{}
		}
		b.parts[name] = p
	}
	b.mu.Unlock()
	p.once.Do(func() { p.err = read() })
	return p.err
}

// Views makes views of items that were read together.
func Views[C, T any](items []C, view func(*C, *Batch[C]) T) []T {
	batch := &Batch[C]{Items: make([]*C, len(items))}
	views := make([]T, len(items))
	for i := range items {
		batch.Items[i] = &items[i]
		views[i] = view(&items[i], batch)
	}
	return views
}

// alone is a batch of one.
func alone[C any](item *C) *Batch[C] { return &Batch[C]{Items: []*C{item}} }

// single makes a view of one item, or nil of nil.
func single[C, T any](item *C, view func(*C, *Batch[C]) T) *T {
	if item == nil {
		return nil
	}
	v := view(item, alone(item))
	return &v
}
