package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/export"
	"github.com/bitdial/bitdial/quant/model"
)

// addRecipe adds the flag that asks for a recipe.
func (f *quantizeFlags) addRecipe(c *cobra.Command) {
	c.Flags().StringVar(&f.recipe, "recipe", "", "write the plan as TOOL is told it, instead of a model")
	// The flag is there: it was added above.
	_ = c.RegisterFlagCompletionFunc("recipe", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var list []string
		for _, r := range export.Recipes {
			list = append(list, cobra.CompletionWithDesc(r.Name, r.About))
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	})
}

// recipeHelp is what the help says of recipes.
func recipeHelp() string {
	return "--recipe TOOL: the plan in the words of another tool, to OUT, and what to run to stdout; without OUT to stdout, and what to run to stderr. What the tool does otherwise is said on stderr. What a tool cannot be told is refused, by name; schemes --recipes lists what it can. TOOL is one of " + recipeNames() + "."
}

func recipeNames() string {
	return strings.Join(namesOf(export.Recipes, func(r *export.Recipe) string { return r.Name }), " ")
}

// checkRecipe is check for recipes.
func (f *quantizeFlags) checkRecipe(c *cobra.Command) error {
	switch {
	case export.RecipeOf(f.recipe) == nil:
		return wrong(c, "--recipe %q: there are %s", f.recipe, recipeNames())
	case f.dequantize || f.dry || f.asJSON || f.verify || f.splitMax != "":
		return wrong(c, "--recipe writes no model: it takes none of --dequantize, --dry-run, --json, --verify and --split-max-size")
	case f.imatrix != "" && export.RecipeOf(f.recipe).For != "llama.cpp":
		return wrong(c, "--imatrix is for recipes of llama.cpp, %s has no such file", f.recipe)
	}
	return nil
}

// writeRecipe writes the plan as the tool is told it.
func (f *quantizeFlags) writeRecipe(c *cobra.Command, m *model.Model, plan quant.Plan) error {
	w, err := export.RecipeOf(f.recipe).Write(m, plan, export.Paths{Recipe: f.out, Imatrix: f.imatrix})
	if err != nil {
		return err
	}
	for _, note := range w.Notes {
		c.PrintErrf("bitdial: %s\n", note)
	}
	out, run := c.OutOrStdout(), c.ErrOrStderr() // the text alone goes down a pipe
	if f.out != "" {
		run = out
		err = model.WriteFile(f.out, f.replace, func(file io.Writer) error {
			_, err := io.WriteString(file, w.Text)
			return err
		})
	} else {
		_, err = io.WriteString(out, w.Text)
	}
	if err != nil || w.Command == "" {
		return err
	}
	_, err = fmt.Fprintln(run, w.Command)
	return err
}

var recipeColumns = []column{
	{key: "tool", title: "tool", width: -18},
	{key: "format", title: "format", width: -12},
	{key: "says", title: "can be told", width: -60},
	{key: "why", title: "or why not"},
}

// listRecipes lists what each tool can be told of each format.
func listRecipes(s *sheet) error {
	for _, r := range export.Recipes {
		says := map[*kernels.Format][]string{}
		for _, scheme := range r.Says() {
			says[scheme.Format] = append(says[scheme.Format], scheme.String())
		}
		for _, f := range kernels.Formats {
			why := any(nil)
			if says[f] == nil {
				why = r.WhyNot(quant.Scheme{}.As(f))
			}
			if err := s.row(r.Name, f.Name, append([]string{}, says[f]...), why); err != nil {
				return err
			}
		}
	}
	return s.flush()
}
