package config

import (
	"errors"
	"slices"
	"strings"
)

// VendorValues returns what the vendor is at each ATS, by the adapter's name.
// An error never repeats a value: it may be a secret.
func (c Config) VendorValues() (map[string]map[string]string, error) {
	all := map[string]map[string]string{}
	for _, pair := range c.Vendor {
		key, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		adapter, name, dotted := strings.Cut(strings.TrimSpace(key), ".")
		if !ok || !dotted || adapter == "" || name == "" {
			return nil, errors.New("TRELLIS_VENDOR is written adapter.name=value,adapter.name=value, for example greenhouse.client_id=abc-1,greenhouse.client_secret=…")
		}
		if all[adapter] == nil {
			all[adapter] = map[string]string{}
		}
		all[adapter][name] = value
	}
	return all, nil
}

// vendorNames are the names that have a value, for the log: the values stay out.
func (c Config) vendorNames() []string {
	names := []string{}
	for _, pair := range c.Vendor {
		if key, _, ok := strings.Cut(strings.TrimSpace(pair), "="); ok {
			names = append(names, key)
		}
	}
	slices.Sort(names)
	return names
}
