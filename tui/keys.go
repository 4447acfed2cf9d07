package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
)

// binding is what a key does. Help, the last row and tests read the table.
type binding struct {
	keys  []string
	show  string // as the help writes the keys
	about string // what it does, in a sentence; "" for the other half of the one before
	hint  string // in the last row; "" for help only
	pages []int  // nil: all
	do    func(a *app) tea.Cmd
}

func (b *binding) on(page int) bool { return b.pages == nil || slices.Contains(b.pages, page) }

// bindings is the table of keys, in the order of the last row: what is worth
// most comes first, narrow terminals show less. It is filled by init because
// the help that it opens reads it.
var bindings []binding

func init() {
	layersOnly, microOnly := []int{pageLayers}, []int{pageMicroscope}
	measuresOnly, maps := []int{pageMeasures}, []int{pageSensitivity, pageMeasures, pageCurves, pageGrid}
	gridOnly, byFormat := []int{pageGrid}, []int{pageSensitivity, pageCurves}
	planOnly, compareOnly := []int{pagePlan}, []int{pageCompare}
	runOnly, trainOnly := []int{pageRun}, []int{pageTraining}
	listed := []int{pageLayers, pageMicroscope, pageRun} // pages with a layer and its dials
	bindings = []binding{
		{[]string{"?", "f1"}, "?", "this help", "help", nil, func(a *app) tea.Cmd { a.dialog = &helpDialog{}; return nil }},
		{[]string{"q"}, "q", "leave; asks if the plan is not saved", "quit", nil, (*app).quit},
		{[]string{"up", "k"}, "↑↓", "the layer above or below", "layer", append([]int{pagePlan, pageCompare}, listed...), func(a *app) tea.Cmd { return a.moveLayer(-1) }},
		{[]string{"down", "j"}, "↓", "", "", append([]int{pagePlan, pageCompare}, listed...), func(a *app) tea.Cmd { return a.moveLayer(1) }},
		{[]string{"left", "h"}, "←→", "turn the dial down or up", "turn", layersOnly, func(a *app) tea.Cmd { return a.turn(a.dial, -1) }},
		{[]string{"right"}, "→", "", "", layersOnly, func(a *app) tea.Cmd { return a.turn(a.dial, 1) }},
		{[]string{"tab"}, "tab", "the next dial; with shift the one before", "dial", listed, func(a *app) tea.Cmd { return a.nextDial(1) }},
		{[]string{"shift+tab"}, "shift+tab", "", "", listed, func(a *app) tea.Cmd { return a.nextDial(-1) }},
		{[]string{"+", "="}, "+ −", "turn the dial up or down, on other pages too", "", listed, func(a *app) tea.Cmd { return a.turn(a.dial, 1) }},
		{[]string{"-"}, "-", "", "", listed, func(a *app) tea.Cmd { return a.turn(a.dial, -1) }},
		{[]string{"2", "3", "4", "5", "6", "7", "8", "9", "1", "0"}, "2…16", "bit width of the layer's integers", "bits", listed, func(a *app) tea.Cmd { a.dial = dialFormat; return nil }},
		{[]string{"i"}, "i", "dials of the layer's weights, or of its inputs: what flows in", "", layersOnly, (*app).toInputs},
		{[]string{"left", "h"}, "←→", "the weight before or after in its row", "weight", microOnly, func(a *app) tea.Cmd { return a.moveWeight(-1) }},
		{[]string{"right"}, "→", "", "", microOnly, func(a *app) tea.Cmd { return a.moveWeight(1) }},
		{[]string{"#", "n"}, "n", "type a number to see, or # and a weight's index", "number", microOnly, (*app).askNumber},
		{[]string{"x"}, "x", "the weight of largest error", "worst", microOnly, (*app).worstWeight},
		{[]string{"left", "h"}, "←→", "a smaller or a larger budget; with shift in larger steps", "budget", planOnly, func(a *app) tea.Cmd { return a.stepBudget(-1) }},
		{[]string{"right"}, "→", "", "", planOnly, func(a *app) tea.Cmd { return a.stepBudget(1) }},
		{[]string{"shift+left", "["}, "[ ]", "half a bit less or more", "", planOnly, func(a *app) tea.Cmd { return a.stepBudget(-largeStep) }},
		{[]string{"shift+right", "]"}, "]", "", "", planOnly, func(a *app) tea.Cmd { return a.stepBudget(largeStep) }},
		{[]string{"b"}, "b", "type a budget, 4.5bpw or 6GiB, and plan within it", "type it", planOnly, (*app).askBudget},
		{[]string{"space"}, "space", "pin the layer: it keeps its scheme whatever the budget", "pin", planOnly, (*app).pin},
		{[]string{"f"}, "f", "choose from what the next runtime takes", "runtime", planOnly, (*app).nextCandidates},
		{[]string{"F"}, "F", "turn formats off and on that plans are chosen from", "formats", planOnly, (*app).askFormats},
		{[]string{"e"}, "e", "the next measure of error: relative, squared, weighted", "measure", planOnly, (*app).nextObjective},
		{[]string{"d"}, "d", "what the next larger device has room for", "device", planOnly, (*app).nextDevice},
		{[]string{"c"}, "c", "devices hold keys and values of more tokens", "", planOnly, (*app).nextContext},
		{[]string{"up", "k"}, "↑↓←→", "move through the map", "move", []int{pageSensitivity, pageMeasures, pageCurves}, func(a *app) tea.Cmd { return a.moveLayer(-1) }},
		{[]string{"down", "j"}, "↓", "", "", []int{pageSensitivity, pageMeasures, pageCurves}, func(a *app) tea.Cmd { return a.moveLayer(1) }},
		{[]string{"left", "h"}, "←", "", "", byFormat, func(a *app) tea.Cmd { return a.moveFormat(-1) }},
		{[]string{"right"}, "→", "", "", byFormat, func(a *app) tea.Cmd { return a.moveFormat(1) }},
		{[]string{"up", "k"}, "↑↓←→", "move through the map", "move", gridOnly, func(a *app) tea.Cmd { return a.moveInGrid(-1, 0) }},
		{[]string{"down", "j"}, "↓", "", "", gridOnly, func(a *app) tea.Cmd { return a.moveInGrid(1, 0) }},
		{[]string{"left", "h"}, "←", "", "", gridOnly, func(a *app) tea.Cmd { return a.moveInGrid(0, -1) }},
		{[]string{"right"}, "→", "", "", gridOnly, func(a *app) tea.Cmd { return a.moveInGrid(0, 1) }},
		{[]string{"e"}, "e", "the next measure: SQNR, or shares of the model's error", "measure", gridOnly, (*app).nextGridMeasure},
		{[]string{"]"}, "[ ]", "the map as planned, or if all weights were in one format", "format", gridOnly, func(a *app) tea.Cmd { return a.moveGridFormat(1) }},
		{[]string{"["}, "[", "", "", gridOnly, func(a *app) tea.Cmd { return a.moveGridFormat(-1) }},
		{[]string{"space"}, "space", "sort the layers, what loses most first, or as in the file", "sort", gridOnly, (*app).sortGrid},
		{[]string{"f"}, "f", "the next set of formats: by bits, then each family", "formats", []int{pageSensitivity, pageCurves, pageGrid}, (*app).nextSet},
		{[]string{"left", "h"}, "←", "", "", measuresOnly, func(a *app) tea.Cmd { return a.moveMeasure(-1) }},
		{[]string{"right"}, "→", "", "", measuresOnly, func(a *app) tea.Cmd { return a.moveMeasure(1) }},
		{[]string{"v"}, "v", "the next view: formats, runs, the whole model, curves", "view", maps, (*app).nextSide},
		{[]string{"x"}, "x", "stop running the model, or go on", "stop", measuresOnly, (*app).stopMeasures},
		{[]string{"x"}, "x", "pause measuring, or go on", "pause", []int{pageSensitivity, pageCurves, pageGrid, pagePlan, pageCompare}, (*app).pause},
		{[]string{"enter"}, "⏎", "to the layer's dials", "its dials", compareOnly, (*app).differenceDials},
		{[]string{"space"}, "space", "give the layer the scheme that it has on the other side", "take it", compareOnly, (*app).takeDifference},
		{[]string{"T"}, "T", "take all schemes of the other side, as one step", "take all", compareOnly, (*app).takeAllDifferences},
		{[]string{"C"}, "C", "compare with something else: a plan, a mix, a model file", "other", compareOnly, (*app).toCompare},
		{[]string{"enter"}, "⏎", "to the layer's dials", "its dials", append(planOnly, maps...), func(a *app) tea.Cmd { return a.turnTo(pageLayers) }},
		{[]string{"space"}, "space", "sort the layers by the measure, the most harmful first", "sort", measuresOnly, (*app).sortByMeasure},
		{[]string{"space"}, "space", "give the layer the format under the cursor", "take it", byFormat, (*app).takeFormat},
		{[]string{"left", "h"}, "←→", "scroll the pictures, or continue another text", "browse", runOnly, func(a *app) tea.Cmd { return a.moveStrip(-1) }},
		{[]string{"right"}, "→", "", "", runOnly, func(a *app) tea.Cmd { return a.moveStrip(1) }},
		{[]string{"d"}, "d", "the next test data", "data", runOnly, (*app).nextTest},
		{[]string{"t"}, "t", "train the network under the plan, or go back to that", "train", runOnly, (*app).toTraining},
		{[]string{"e"}, "e", "the next remedy: equalize, correct biases, or smooth", "remedy", runOnly, (*app).nextRemedy},
		{[]string{"x"}, "x", "continue the text by other random numbers, or none", "", runOnly, (*app).nextDraws},
		{[]string{"up", "k"}, "↑↓", "see the weights of the layer above or below", "layer", trainOnly, func(a *app) tea.Cmd { return a.moveLayer(-1) }},
		{[]string{"down", "j"}, "↓", "", "", trainOnly, func(a *app) tea.Cmd { return a.moveLayer(1) }},
		{[]string{"y"}, "y", "count axis of the histogram: linear or logarithmic", "log axis", trainOnly, func(a *app) tea.Cmd { a.log = !a.log; return nil }},
		{[]string{"space"}, "space", "pause the training, or go on", "pause", trainOnly, (*app).pauseTraining},
		{[]string{"x"}, "x", "stop the training", "stop", trainOnly, (*app).stopTraining},
		{[]string{"enter"}, "⏎", "keep the trained weights: they take the place of the network's", "keep", trainOnly, (*app).keepTraining},
		{[]string{"d"}, "d", "drop what was trained", "drop", trainOnly, (*app).dropTraining},
		{[]string{"t"}, "t", "train the network under the plan", "", trainOnly, (*app).toTraining},
		{[]string{"a"}, "a", "apply the layer's scheme to others", "apply to…", nil, (*app).askApply},
		{[]string{"c"}, "c", "compare with the scheme before, side by side", "compare", layersOnly, (*app).toggleCompare},
		{[]string{"u", "ctrl+z"}, "u", "undo", "undo", nil, func(a *app) tea.Cmd { return a.step((*quant.History).Undo, "nothing to undo") }},
		{[]string{"U", "ctrl+y"}, "U", "redo", "redo", nil, func(a *app) tea.Cmd { return a.step((*quant.History).Redo, "nothing to redo") }},
		{[]string{"/"}, "/", "show only the layers whose name holds what is typed", "filter", nil, (*app).askFilter},
		{[]string{"l", "esc"}, "l", "the layers and their dials; again shows all of them", "", nil, (*app).toLayers},
		{[]string{"s"}, "s", "sensitivity: layers × formats", "sensitivity", nil, (*app).toSensitivity},
		{[]string{"p"}, "p", "plan: the best schemes within a budget", "plan", nil, (*app).toPlan},
		{[]string{"C"}, "C", "compare with another plan, a mix, or another model file", "compare with", others(pageCompare), (*app).toCompare},
		{[]string{"b"}, "b", "type a budget, and plan within it", "", others(pagePlan), (*app).askBudget},
		{[]string{"m"}, "m", "one weight under the microscope", "microscope", nil, (*app).toMicroscope},
		{[]string{"r"}, "r", "run the network: what the plan does to its answers", "run", nil, (*app).toRun},
		{[]string{"W"}, "W", "write the trained weights to a file", "", []int{pageRun, pageTraining}, (*app).askSaveWeights},
		{[]string{"w"}, "w", "write the plan to a file, or the model under it", "write", nil, (*app).askWrite},
		{[]string{"I"}, "I", "what the file says of the model: types, metadata", "", nil, (*app).askAbout},
		{[]string{"M"}, "M", "weigh error by an importance matrix, or take it off", "", nil, (*app).askImportance},
		{[]string{"o"}, "o", "open another model", "open", nil, (*app).askOpen},
		{[]string{"y"}, "y", "count axis of the histograms: linear or logarithmic", "log axis", layersOnly, func(a *app) tea.Cmd { a.log = !a.log; return nil }},
		{[]string{"]"}, "[ ]", "the channel before or after on the error strip", "", layersOnly, func(a *app) tea.Cmd { return a.moveChannel(1) }},
		{[]string{"["}, "[", "", "", layersOnly, func(a *app) tea.Cmd { return a.moveChannel(-1) }},
		{[]string{">", "."}, "> <", "sort the layers by the next column; the other way round", "sort", nil, (*app).nextSort},
		{[]string{"<", ","}, "<", "", "", nil, (*app).reverseSort},
		{[]string{"pgup"}, "pgup pgdn", "a screen up or down", "", nil, func(a *app) tea.Cmd { return a.moveLayer(-a.layers.rows) }},
		{[]string{"pgdown"}, "pgdn", "", "", nil, func(a *app) tea.Cmd { return a.moveLayer(a.layers.rows) }},
		{[]string{"home", "g"}, "home end", "the first or the last layer", "", nil, func(a *app) tea.Cmd { return a.moveLayer(-wholeList) }},
		{[]string{"end", "G"}, "end", "", "", nil, func(a *app) tea.Cmd { return a.moveLayer(wholeList) }},
	}
}

// wholeList is more rows than any list has.
const wholeList = 1 << 30

// others returns all pages but one.
func others(page int) []int {
	var list []int
	for n := range pages {
		if n != page {
			list = append(list, n)
		}
	}
	return list
}

// key does what the pressed key means on this page.
func (a *app) key(msg tea.KeyPressMsg) tea.Cmd {
	name := msg.String()
	if a.page == pagePlan && len(name) == 1 && name[0] >= '0' && name[0] <= '9' {
		return a.askBudgetWith(name)
	}
	typed := tabOf(a.page) != pageSensitivity && a.page != pageTraining && a.page != pageCompare
	if typed && len(name) == 1 && name[0] >= '0' && name[0] <= '9' {
		return a.typeBits(int(name[0] - '0'))
	}
	a.digit = 0
	for i := range bindings {
		if b := &bindings[i]; b.on(a.page) && slices.Contains(b.keys, name) {
			return b.do(a)
		}
	}
	return nil
}

// press does what binding n does, for the mouse.
func (a *app) press(n int) tea.Cmd { return bindings[n].do(a) }
