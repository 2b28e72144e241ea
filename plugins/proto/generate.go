// Package proto holds the adapter contract as protobuf (ats/v1) and generates
// the Go of it. The generated package is used by plugins/internal/wire alone.
package proto

//go:generate go run github.com/bufbuild/buf/cmd/buf@v1.75.0 lint
//go:generate go run github.com/bufbuild/buf/cmd/buf@v1.75.0 generate
