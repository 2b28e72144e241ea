//go:build race

package main

// raceFlag builds the program under test as the test itself is built.
func raceFlag() []string { return []string{"-race"} }
