//go:build !unix

package fake

import "errors"

// lock is not to be had here.
func lock(string) (unlock func(), err error) {
	return nil, errors.ErrUnsupported
}
