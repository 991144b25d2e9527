// Package house holds no code but the tests that keep the project in shape:
// which package may import which, one package comment each, small files.
package house
