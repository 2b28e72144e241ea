package ratelimit

import (
	"sync"
	"time"
)

// local counts in this process. Callers are kept in two halves: when the young
// one is full it becomes the old one, and who was not seen since is forgotten.
// That bounds the memory without a list, at the price that a caller may be
// forgiven early when very many ask.
type local struct {
	most       int // callers in both halves
	mu         sync.Mutex
	young, old map[string]time.Time // when a caller will have nothing ahead
}

func (l *local) take(key string, now time.Time, ask, window time.Duration) (ahead time.Duration, allowed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ahead = max(l.at(key).Sub(now), 0)
	if ahead+ask > window {
		return ahead, false
	}
	ahead += ask
	l.keep(key, now.Add(ahead))
	return ahead, true
}

func (l *local) at(key string) time.Time {
	if at, ok := l.young[key]; ok {
		return at
	}
	return l.old[key]
}

func (l *local) keep(key string, at time.Time) {
	if _, known := l.young[key]; !known && len(l.young) >= max(l.most/2, 1) {
		l.old, l.young = l.young, nil
	}
	if l.young == nil {
		l.young = map[string]time.Time{}
	}
	l.young[key] = at
}
