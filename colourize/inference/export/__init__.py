"""Trained networks as one file for others: safetensors, ONNX, TorchScript, OpenVINO; and the model card beside it."""
