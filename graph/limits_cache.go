package graph

import (
	"container/list"
	"context"
	"sync"
)

// sized keeps what was used last, up to a size: a cache that counts entries
// could be filled with the largest documents that there are.
type sized[V any] struct {
	most int // bytes of keys and what size tells of values
	size func(V) int

	mu    sync.Mutex
	held  int
	order *list.List // of *kept[V], the last used first
	byKey map[string]*list.Element
}

type kept[V any] struct {
	key   string
	value V
}

func newSized[V any](most int, size func(V) int) *sized[V] {
	return &sized[V]{most: most, size: size, order: list.New(), byKey: map[string]*list.Element{}}
}

// Get returns what is kept under a key.
func (s *sized[V]) Get(_ context.Context, key string) (value V, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.byKey[key]
	if !ok {
		return value, false
	}
	s.order.MoveToFront(e)
	return e.Value.(*kept[V]).value, true //nolint:forcetypeassert // nothing else is put in
}

// Add keeps a value, unless it takes more than a sixteenth of the room.
func (s *sized[V]) Add(_ context.Context, key string, value V) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.byKey[key]; known || s.weight(key, value) > s.most/16 {
		return
	}
	s.byKey[key] = s.order.PushFront(&kept[V]{key, value})
	s.held += s.weight(key, value)
	for s.held > s.most {
		last := s.order.Remove(s.order.Back()).(*kept[V]) //nolint:forcetypeassert // as above
		delete(s.byKey, last.key)
		s.held -= s.weight(last.key, last.value)
	}
}

func (s *sized[V]) weight(key string, value V) int { return len(key) + s.size(value) }
