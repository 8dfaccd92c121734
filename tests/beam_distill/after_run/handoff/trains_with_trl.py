"""Run by a Python that has TRL: it trains a tiny model with the configuration file.

Arguments: the folder of the hand-off, a folder to work in, sft or dpo. Prints how many rows there were and what was trained, as JSON.
"""

import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

from datasets import load_dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer, ModelConfig, ScriptArguments, SFTConfig, SFTTrainer, TrlParser

TURNS = "{% for m in messages %}<{{ m.role }}>{{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
TRAINERS = {"sft": (SFTConfig, SFTTrainer), "dpo": (DPOConfig, DPOTrainer)}
folder, scratch, way = sys.argv[1:]

pieces = Tokenizer(models.BPE())
pieces.pre_tokenizer, pieces.decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
alphabet = pre_tokenizers.ByteLevel.alphabet()
pieces.train_from_iterator([], trainers.BpeTrainer(vocab_size=300, special_tokens=["<s>", "</s>", "<pad>"], initial_alphabet=alphabet))
tokenizer = PreTrainedTokenizerFast(tokenizer_object=pieces, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
tokenizer.chat_template = TURNS
sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2}
tiny = f"{scratch}/tiny"  # on disk: DPO loads it a second time, as the reference
LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(tiny)

of_way, make_trainer = TRAINERS[way]
parser = TrlParser((ScriptArguments, of_way, ModelConfig))
given = ["--config", f"{folder}/trl_{way}.yaml", "--use_cpu", "true", "--bf16", "false", "--output_dir", scratch, "--report_to", "none"]
script, config, named = parser.parse_args_and_config(given)
data = load_dataset(script.dataset_name, name=script.dataset_config, cache_dir=f"{scratch}/cache")
train, evaluated = data[script.dataset_train_split], data[script.dataset_test_split]
trainer = make_trainer(model=tiny, args=config, train_dataset=train, eval_dataset=evaluated, processing_class=tokenizer)
trained = trainer.train()
print(json.dumps({"train": len(train), "validation": len(evaluated), "steps": trained.global_step, "model": named.model_name_or_path}))
