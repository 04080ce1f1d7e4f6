package klotho_unit

// What encoding.go writes, read into values of the types that are expected.

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// decode reads a list into values, which can be set.
func decode(text string, into []reflect.Value) error {
	reader := json.NewDecoder(strings.NewReader(text))
	reader.UseNumber()
	var items []interface{}
	if err := reader.Decode(&items); err != nil {
		return err
	}
	if len(items) != len(into) {
		return fmt.Errorf("%d values were received where %d are expected", len(items), len(into))
	}
	for at, item := range items {
		if err := unpack(item, into[at]); err != nil {
			return err
		}
	}
	return nil
}

// tag gives the kind of a value that JSON lacks, and what is said of it.
func tag(raw interface{}) (string, interface{}) {
	if said, is := raw.(map[string]interface{}); is {
		if kind, is := said["$klotho"].(string); is {
			return kind, said["value"]
		}
	}
	return "", nil
}

func unpack(raw interface{}, into reflect.Value) error {
	switch routeOf(into.Type()) {
	case asDate:
		return unpackDate(raw, into)
	case asBigInt:
		number, err := wholeOf(raw)
		if err == nil {
			into.Addr().Interface().(*big.Int).Set(number)
		}
		return err
	case asBinary, asText, asJSON:
		return unpackMarshaled(raw, into)
	}
	switch into.Kind() {
	case reflect.Struct:
		return unpackStruct(raw, into)
	case reflect.Array:
		return unpackItems(raw, into)
	case reflect.Interface, reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		return unpackReference(raw, into)
	}
	return unpackPlain(raw, into)
}

func unpackPlain(raw interface{}, into reflect.Value) error {
	switch into.Kind() {
	case reflect.Bool:
		value, is := raw.(bool)
		into.SetBool(value)
		return unless(is, raw, into)
	case reflect.String:
		text, err := textOf(raw)
		into.SetString(text)
		return err
	case reflect.Float32, reflect.Float64:
		number, err := floatOf(raw, into.Type().Bits())
		into.SetFloat(number)
		return err
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		number, err := wholeOf(raw)
		if err != nil || !number.IsInt64() || into.OverflowInt(number.Int64()) {
			return unless(false, raw, into)
		}
		into.SetInt(number.Int64())
		return nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		number, err := wholeOf(raw)
		if err != nil || !number.IsUint64() || into.OverflowUint(number.Uint64()) {
			return unless(false, raw, into)
		}
		into.SetUint(number.Uint64())
		return nil
	}
	return unless(false, raw, into)
}

// unpackReference reads what can be nil.
func unpackReference(raw interface{}, into reflect.Value) error {
	if raw == nil {
		into.Set(reflect.Zero(into.Type()))
		return nil
	}
	switch into.Kind() {
	case reflect.Pointer:
		found := reflect.New(into.Type().Elem())
		into.Set(found)
		return unpack(raw, found.Elem())
	case reflect.Slice:
		return unpackItems(raw, into)
	case reflect.Map:
		return unpackMap(raw, into)
	case reflect.Interface:
		return unpackInterface(raw, into)
	}
	return unless(false, raw, into)
}

func unpackDate(raw interface{}, into reflect.Value) error {
	kind, said := tag(raw)
	text, is := said.(string)
	if kind != "date" || !is {
		return unless(false, raw, into)
	}
	moment, err := time.Parse(time.RFC3339Nano, text)
	into.Set(reflect.ValueOf(moment))
	return err
}

func unpackItems(raw interface{}, into reflect.Value) error {
	if into.Type().Elem().Kind() == reflect.Uint8 {
		content, err := bytesOf(raw)
		if err != nil {
			return err
		}
		if err := sized(into, len(content)); err != nil {
			return err
		}
		reflect.Copy(into, reflect.ValueOf(content))
		return nil
	}
	items, is := raw.([]interface{})
	if !is {
		return unless(false, raw, into)
	}
	if err := sized(into, len(items)); err != nil {
		return err
	}
	for at, item := range items {
		if err := unpack(item, into.Index(at)); err != nil {
			return err
		}
	}
	return nil
}

// sized makes a slice of a size; an array has it, or not.
func sized(into reflect.Value, size int) error {
	if into.Kind() == reflect.Slice {
		into.Set(reflect.MakeSlice(into.Type(), size, size))
	} else if into.Len() != size {
		return fmt.Errorf("%d items were received as a %s", size, into.Type())
	}
	return nil
}

func unpackMap(raw interface{}, into reflect.Value) error {
	found := reflect.MakeMap(into.Type())
	into.Set(found)
	entries, err := entriesOf(raw)
	for _, entry := range entries {
		key, value := reflect.New(into.Type().Key()).Elem(), reflect.New(into.Type().Elem()).Elem()
		if err := unpack(entry[0], key); err != nil {
			return err
		}
		if err := unpack(entry[1], value); err != nil {
			return err
		}
		found.SetMapIndex(key, value)
	}
	return err
}

func entriesOf(raw interface{}) ([][2]interface{}, error) {
	entries := [][2]interface{}{}
	if kind, said := tag(raw); kind == "map" || kind == "object" {
		items, _ := said.([]interface{})
		for _, item := range items {
			if pair, is := item.([]interface{}); is && len(pair) == 2 {
				entries = append(entries, [2]interface{}{pair[0], pair[1]})
			}
		}
		return entries, nil
	}
	said, is := raw.(map[string]interface{})
	if !is {
		return nil, fmt.Errorf("%s was received as a map", named(raw))
	}
	for key, value := range said {
		entries = append(entries, [2]interface{}{key, value})
	}
	return entries, nil
}

func unpackStruct(raw interface{}, into reflect.Value) error {
	said, is := raw.(map[string]interface{})
	if !is {
		return unless(false, raw, into)
	}
	fields := fieldsOf(into.Type())
	for at, name := range fields.names {
		if value, given := said[name]; given {
			if err := unpack(value, into.Field(fields.at[at])); err != nil {
				return err
			}
		}
	}
	return nil
}

func unpackMarshaled(raw interface{}, into reflect.Value) error {
	route, own := routeOf(into.Type()), into.Addr().Interface()
	if route == asBinary {
		content, err := bytesOf(raw)
		if err != nil {
			return err
		}
		return own.(binaryCodec).UnmarshalBinary(content)
	}
	text, err := textOf(raw)
	if err != nil {
		return err
	}
	if route == asText {
		return own.(textCodec).UnmarshalText([]byte(text))
	}
	return own.(jsonCodec).UnmarshalJSON([]byte(text))
}

// unpackInterface reads a value that brings its type along, if not by its kind.
func unpackInterface(raw interface{}, into reflect.Value) error {
	found, err := dynamic(raw)
	if err != nil {
		return err
	}
	if !found.Type().AssignableTo(into.Type()) {
		return fmt.Errorf("a %s was received as a %s", found.Type(), into.Type())
	}
	into.Set(found)
	return nil
}

func dynamic(raw interface{}) (reflect.Value, error) {
	kind, said := tag(raw)
	switch kind {
	case "instance":
		return instanceOf(said)
	case "error":
		failure, err := unpackError(said)
		return reflect.ValueOf(failure), err
	case "date":
		var moment time.Time
		err := unpackDate(raw, reflect.ValueOf(&moment).Elem())
		return reflect.ValueOf(moment), err
	case "bigint":
		number, err := wholeOf(raw)
		return reflect.ValueOf(number), err
	case "bytes":
		content, err := bytesOf(raw)
		return reflect.ValueOf(content), err
	}
	if kind != "" && kind != "number" && kind != "object" && kind != "map" {
		return reflect.Value{}, fmt.Errorf("a value of the unknown kind %s was received", kind)
	}
	var plain interface{}
	switch raw.(type) {
	case bool, string:
		return reflect.ValueOf(raw), nil
	case json.Number:
		plain = new(float64)
	case []interface{}:
		plain = new([]interface{})
	default:
		plain = new(map[string]interface{})
		if kind == "number" {
			plain = new(float64)
		}
	}
	into := reflect.ValueOf(plain).Elem()
	return into, unpack(raw, into)
}

func instanceOf(said interface{}) (reflect.Value, error) {
	content, _ := said.(map[string]interface{})
	name, _ := content["class"].(string)
	kind, known := typeNames.Load(name)
	if !known {
		return reflect.Value{}, fmt.Errorf("a value of the type %s was received, which nothing here says", name)
	}
	into := reflect.New(kind.(reflect.Type)).Elem()
	return into, unpack(content["value"], into)
}

func textOf(raw interface{}) (string, error) {
	if text, is := raw.(string); is {
		return text, nil
	}
	content, err := bytesOf(raw)
	return string(content), err
}

func bytesOf(raw interface{}) ([]byte, error) {
	kind, said := tag(raw)
	text, is := said.(string)
	if !is || kind != "bytes" && kind != "buffer" {
		return nil, fmt.Errorf("%s was received as bytes", named(raw))
	}
	return base64.StdEncoding.DecodeString(text)
}

func wholeOf(raw interface{}) (*big.Int, error) {
	if number, is := new(big.Int).SetString(digits(raw, "bigint"), 10); is {
		return number, nil
	}
	return nil, fmt.Errorf("%s was received as a whole number", named(raw))
}

func floatOf(raw interface{}, bits int) (float64, error) {
	return strconv.ParseFloat(digits(raw, "number"), bits)
}

// digits are those of a number of JSON, or of a value of a kind; empty for others.
func digits(raw interface{}, kind string) string {
	if number, is := raw.(json.Number); is {
		return number.String()
	}
	if found, said := tag(raw); found == kind {
		text, _ := said.(string)
		return text
	}
	return ""
}

func unless(is bool, raw interface{}, into reflect.Value) error {
	if is {
		return nil
	}
	return fmt.Errorf("%s was received as a %s", named(raw), into.Type())
}

// named says what was received without showing it.
func named(raw interface{}) string {
	if kind, _ := tag(raw); kind != "" {
		return "a value of the kind " + kind
	}
	switch raw.(type) {
	case nil:
		return "null"
	case string:
		return "a text"
	case json.Number:
		return "a number"
	case bool:
		return "a truth value"
	case []interface{}:
		return "a list"
	}
	return "an object"
}
