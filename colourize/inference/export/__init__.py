"""Export of a trained network to one file (safetensors, ONNX, TorchScript, OpenVINO) with a model card beside it."""
