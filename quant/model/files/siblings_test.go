package files

import (
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/modeltest"
)

// opened opens a file of the corpus, which is in a folder called as its format.
func opened(t *testing.T, format, file string) *model.Model {
	t.Helper()
	m, err := Open(modeltest.Corpus(t, format, file)[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// Silero's network is in the corpus as TorchScript, with one for telephones
// beside it, and as ONNX.
func TestANetworkHasTheSameWeightsInEveryFormat(t *testing.T) {
	script, network := opened(t, "torch", "silero_vad.jit"), opened(t, "onnx", "silero_vad_16k_op15.onnx")
	compared := 0
	for _, w := range script.Tensors {
		if name, ok := strings.CutPrefix(w.Name, "_model."); ok {
			modeltest.Same(t, modeltest.Tensor(t, network, "model."+name), w)
			compared++
		}
	}
	if compared != 15 {
		t.Errorf("%d tensors were compared", compared)
	}
}

func TestEveryFormatIsRecognisedByItsContent(t *testing.T) {
	for _, format := range []string{"gguf", "npz", "torch", "onnx", "safetensors"} {
		for _, path := range modeltest.Corpus(t, format, "*.*") {
			head, err := readHead(path)
			if err != nil {
				t.Error(err)
				continue
			}
			var found []string
			for _, r := range readers {
				if r.file("download", head) {
					found = append(found, r.reads)
				}
			}
			if len(found) != 1 && !strings.HasSuffix(path, "broken.pt") && !strings.HasSuffix(path, ".index.json") {
				t.Errorf("%s is taken by %q", path, found)
			}
		}
	}
}
