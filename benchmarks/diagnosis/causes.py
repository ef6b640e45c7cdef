"""Which verdict is right for which fault? Decided from the definitions, before any score was seen.

A verdict is right where it names the fault, or where its own first remedies put the run right (Humbatova et al.:
several fixes are right at once, and a benchmark that knows one only punishes the others).

Source: the table of verdicts in docs/verdicts.md; Humbatova et al. 2025 on alternative ground truth.
"""

# what a rate that is too high looks like, by its strength
_TOO_FAST = {
    "lr_too_high", "diverging", "nan_or_inf", "loss_increases_from_start", "oscillating", "loss_spikes",
    "stuck_at_chance", "plateau", "exploding_gradient", "dead_relu",
}  # fmt: skip
_TOO_POOR = {"underfit", "plateau", "stuck_at_chance"}

RIGHT: dict[str, set[str]] = {
    "rate_high": _TOO_FAST,
    "rate_low": {"lr_too_low", "undertrained", "stuck_at_chance", "unchanged_weights"},
    "init_large": {
        "bad_init", "init_loss_wrong", "lr_too_high", "diverging", "nan_or_inf", "exploding_gradient", "saturated",
        "dead_relu", "hockey_stick",
    },
    "init_zero": {"bad_init", "vanishing_gradient", "dead_relu", "unchanged_weights", "lr_too_low", *_TOO_POOR},
    "head_or_loss": {
        "head_loss_mismatch", "double_softmax", "missing_or_linear_activation", "layer_order", "init_loss_wrong",
        "loss_metric_disagree", "target_scale", "nan_or_inf", *_TOO_POOR,
    },
    "inputs_unscaled": {"input_scale", "init_loss_wrong", "saturated", *_TOO_FAST},
    "targets_unscaled": {"target_scale", "init_loss_wrong", "lr_too_low", "undertrained", *_TOO_FAST},
    "input_ignored": {"ignores_input", "input_scale", "cannot_overfit_tiny", "stuck_at_chance"},
    "imbalance": {"class_imbalance"},
    "leak": {"val_suspiciously_good"},
    "label_noise": {"label_noise", "shuffled_labels", "overfit", "gap"},
    "labels_shuffled": {"label_noise", "shuffled_labels", "overfit", "gap", "stuck_at_chance"},
    "climbs": {
        "loss_increases_from_start", "diverging", "nan_or_inf", "cannot_overfit_tiny", "loss_metric_disagree",
        "head_loss_mismatch",
    },
    "dead_relu": {"dead_relu", "bad_init", "vanishing_gradient", *_TOO_POOR},
    "vanishing": {"vanishing_gradient", "saturated", "bad_init", *_TOO_POOR},
    "exploding": {
        "exploding_gradient", "bad_init", "init_loss_wrong", "lr_too_high", "diverging", "nan_or_inf", "loss_spikes",
        "saturated", "dead_relu", "hockey_stick",
    },
    "too_small": {"dead_relu", *_TOO_POOR},
    "over_regularized": {"reg_overwhelming", "train_eval_mismatch", *_TOO_POOR},
    "no_activation": {"missing_or_linear_activation", *_TOO_POOR},
    "overfitted": {"overfit", "gap"},
    "too_few_epochs": {"undertrained", "lr_too_low"},
    "frozen": {"unchanged_weights", *_TOO_POOR},
    "batch_norm": {"train_eval_mismatch", "oscillating"},
}  # fmt: skip
