package reading

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write docs/account.schema.json anew")

// schemaOf is the JSON schema of a Go type.
func schemaOf(t reflect.Type, defs map[string]any) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[json.RawMessage]():
		return map[string]any{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		inner := schemaOf(t.Elem(), defs)
		return map[string]any{"anyOf": []any{inner, map[string]any{"type": "null"}}}
	case reflect.Slice:
		return map[string]any{"type": []any{"array", "null"}, "items": schemaOf(t.Elem(), defs)}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem(), defs)}
	case reflect.Struct:
		name := strings.ToLower(t.Name()[:1]) + t.Name()[1:]
		if _, ok := defs[name]; !ok {
			defs[name] = nil // it may hold itself
			defs[name] = objectOf(t, defs)
		}
		return map[string]any{"$ref": "#/$defs/" + name}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	}
	return map[string]any{"type": "integer"}
}

func objectOf(t reflect.Type, defs map[string]any) map[string]any {
	properties := map[string]any{}
	required := []any{}
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous {
			continue
		}
		name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		properties[name] = schemaOf(f.Type, defs)
		if rest != "omitempty" {
			required = append(required, name)
		}
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
}

func TestTheSchemaOfASavedAccountIsThatOfTheCode(t *testing.T) {
	defs := map[string]any{}
	root := objectOf(reflect.TypeFor[Reading](), defs)
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "beanpole check --save FILE"
	root["description"] = "What was read of an AWS account, without secrets. docs/account.md says what the parts are."
	root["$defs"] = defs
	root["properties"].(map[string]any)["version"] = map[string]any{"const": Version}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("..", "..", "..", "docs", "account.schema.json")
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, b.Bytes()) {
		t.Error("docs/account.schema.json is not that of the code; run: go test ./internal/account/reading -update")
	}
}

func TestASavedAccountFitsTheSchema(t *testing.T) {
	value, yes := "v", true
	r := &Reading{Version: Version, Time: time.Unix(0, 0), Account: "111122223333", Partition: "aws", Region: "eu-west-1",
		Environment: &Environment{Name: "shop", ID: "e-1", Application: "shop", Status: "Ready", Settings: []Setting{{Namespace: "n", Name: "o", Value: &value}},
			Events: []Event{{Message: "m", Severity: "INFO"}}, Logs: []Log{{Instance: "i-1", Text: "password=hunter2"}}},
		Stack: &Stack{Name: "s", Metadata: map[string]json.RawMessage{"Group": json.RawMessage(
			`{"AWS::CloudFormation::Init":{"c":{"files":{"/f":{"content":"hidden-d"}},"commands":{"a":{"env":{"A":"hidden-a","N":4711471147,"L":["hidden-l"]}}}}},"AWS::CloudFormation::Authentication":{"x":{"type":"S3","roleName":"r","secretKey":"hidden-b","accessKeyId":"hidden-c"}}}`)},
			Events: []StackEvent{{ResourceStatus: "CREATE_COMPLETE"}}},
		Profiles: []Profile{{Roles: []string{}}}, Roles: []Role{{Inline: map[string]string{"p": "{}"}}}, Policies: []Policy{{}},
		Buckets: []Bucket{{Own: &yes, PublicAccess: &PublicAccess{}, Encryption: &Encryption{}, Objects: []Object{{}}}}, Keys: []Key{{Grants: []Grant{{}}}},
		Network: &Network{Subnets: []Subnet{{}}, RouteTables: []RouteTable{{Routes: []Route{{}}}}, NATs: []NAT{{}}, Endpoints: []Endpoint{{}},
			SecurityGroups: []SecurityGroup{{Egress: []Rule{{}}}}, ACLs: []ACL{{Entries: []Entry{{}}}}},
		Absent: []Thing{{AnObject, "s3://b/k"}}, NotRead: []Refusal{{Permission: "iam:GetRole", Refused: true}}}
	var b bytes.Buffer
	if err := r.Save(&b, func(s string) string { return strings.ReplaceAll(s, "hunter2", "****") }); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"hunter2", "hidden-a", "4711471147", "hidden-l", "hidden-b", "hidden-c", "hidden-d"} {
		if strings.Contains(b.String(), secret) {
			t.Errorf("%s was saved:\n%s", secret, b.String())
		}
	}
	if !strings.Contains(b.String(), `"roleName": "r"`) {
		t.Error("the name of the role was not saved")
	}
	file := filepath.Join("..", "..", "..", "docs", "account.schema.json")
	schema, err := jsonschema.NewCompiler().Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err != nil {
		t.Error(err)
	}
}

func TestAFileThatIsNoSavedAccountIsRefusedInOneLine(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, says string }{
		"empty": {"", "it is empty"}, "list": {"[]", "JSON of something else"}, "other": {`{"Events":[]}`, "JSON of something else"}, "new": {`{"version":2}`, "is of version 2; this beanpole reads version 1"},
		"binary": {"\x00\xff", "byte 1 is no JSON"}, "cut": {`{"version":1,"environment":{"na`, "it is cut off"}, "behind": {`{"version":1}x`, "byte 14 is no JSON"},
		"form": {`{"version":1,"environment":{"name":7}}`, "environment.name is of another form (number)"}, "deep": {strings.Repeat("[", 100000), "is no JSON"},
	} {
		text := c.text
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(file); err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, not %q", name, err, c.says)
		}
	}
}
