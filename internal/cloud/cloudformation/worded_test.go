package cloudformation

import (
	"testing"

	"beanpole/internal/source"
)

func TestMetadataHoldsTextsAlone(t *testing.T) {
	n, err := source.ParseYAML("t", []byte("{mode: 000644, ready: yes, list: [1, 2.5, x, null], deep: {wanted: false}}"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"mode":"420","ready":"true","list":["1","2.5","x",null],"deep":{"wanted":"false"}}`
	if got := string(worded(n).JSON()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
