package quant

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/bitdial/bitdial/quant/model"
)

// planFile is a plan as TOML.
type planFile struct {
	Default     string     `toml:"default" comment:"for weights that no rule names"`
	Activation  string     `toml:"activation,omitempty" comment:"for what flows into layers that no activation rule names"`
	Remedies    string     `toml:"remedies,omitempty"`
	Rules       []planRule `toml:"rule"    comment:"the last rule that matches decides"`
	Activations []planRule `toml:"activation_rule,omitempty" comment:"by the name of the layer's weight"`
}

type planRule struct {
	Match  string `toml:"match"`
	Scheme string `toml:"scheme"`
}

// maxPlan bounds a plan file: a rule for each of a million tensors fits.
const maxPlan = 128 << 20

// WriteTo writes p as TOML.
func (p Plan) WriteTo(w io.Writer) (int64, error) {
	file := planFile{Default: p.Default.String(), Remedies: p.Remedies.String()}
	for _, r := range p.Rules {
		file.Rules = append(file.Rules, planRule{r.Glob, r.String()})
	}
	if !p.DefaultActivation.Keep() {
		file.Activation = p.DefaultActivation.String()
	}
	for _, r := range p.ActivationRules {
		file.Activations = append(file.Activations, planRule{r.Glob, r.String()})
	}
	text, err := toml.Marshal(file)
	if err != nil {
		return 0, err
	}
	n, err := w.Write(text)
	return int64(n), err
}

// ReadPlan reads a plan from TOML. Unknown keys, invalid schemes and malformed
// globs are errors that name them.
func ReadPlan(r io.Reader) (Plan, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxPlan+1))
	if err != nil {
		return Plan{}, err
	}
	if len(text) > maxPlan {
		return Plan{}, fmt.Errorf("larger than %d MiB", maxPlan>>20)
	}
	var file planFile
	decoder := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		var unknown *toml.StrictMissingError
		if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
			return Plan{}, fmt.Errorf("not a plan: it has no key %q", strings.Join(unknown.Errors[0].Key(), "."))
		}
		return Plan{}, fmt.Errorf("not a plan: %w", err)
	}
	var p Plan
	if file.Default != "" {
		if p.Default, err = ParseChoice(file.Default); err != nil {
			return Plan{}, fmt.Errorf("default: %w", err)
		}
	}
	if file.Activation != "" {
		if p.DefaultActivation, err = ParseActivation(file.Activation); err != nil {
			return Plan{}, err
		}
	}
	if p.Remedies, err = ParseRemedies(file.Remedies); err != nil {
		return Plan{}, err
	}
	for i, rule := range file.Activations {
		if err := CheckGlob(rule.Match); err != nil || rule.Match == "" {
			return Plan{}, fmt.Errorf("activation rule %d: match %q is not a glob", i+1, rule.Match)
		}
		a, err := ParseActivation(rule.Scheme)
		if err != nil {
			return Plan{}, fmt.Errorf("activation rule %d: %w", i+1, err)
		}
		p.ActivationRules = append(p.ActivationRules, ActivationRule{rule.Match, a})
	}
	for i, rule := range file.Rules {
		if err := CheckGlob(rule.Match); err != nil || rule.Match == "" {
			return Plan{}, fmt.Errorf("rule %d: match %q is not a glob", i+1, rule.Match)
		}
		c, err := ParseChoice(rule.Scheme)
		if err != nil {
			return Plan{}, fmt.Errorf("rule %d: %w", i+1, err)
		}
		p.Rules = append(p.Rules, Rule{rule.Match, c})
	}
	return p, nil
}

// LoadPlan reads the plan in the file at path.
func LoadPlan(path string) (Plan, error) {
	f, err := os.Open(path)
	if err != nil {
		return Plan{}, model.FileError(path, err)
	}
	defer f.Close() //nolint:errcheck // only read
	p, err := ReadPlan(f)
	if err != nil {
		return Plan{}, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// SavePlan writes p to the file at path, whole or not at all. Without force
// it refuses to overwrite.
func SavePlan(path string, p Plan, force bool) error {
	return model.WriteFile(path, force, func(w io.Writer) error {
		_, err := p.WriteTo(w)
		return err
	})
}
