"""Words of other libraries, and what each is here: data alone, which ``advice`` looks up.

A line has the words, what they are here, and settings that prove it: overrides, joined
by `` + `` where they need one another. A hint is given only where all of these settings
are valid, so no line speaks of what does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Advice:
    """What a word is here: a sentence that goes on after the word, and each ``setting`` that it speaks of."""

    says: str
    settings: tuple[str, ...] = ()


Table = dict[str, Advice]


def _table(*lines: tuple[str, str, *tuple[str, ...]]) -> Table:
    """By each word of the lines, all in lower case with underscores, its advice."""
    return {word: Advice(says, tuple(settings)) for words, says, *settings in lines for word in words.split()}


HALF = "is half_squared_error here, with its ½: for the same steps as with {word} the learning rate is twice as large"
NORMAL = "draws from a normal distribution here"
FROM_DATA = "follows from the data here: inputs from the columns, outputs from the targets"

KEYS: Table = _table(
    ("lr learning_rate_init initial_learning_rate eta eta0 base_lr step_length",
     "is optimizer.learning_rate here", "optimizer.learning_rate=0.1"),
    ("hidden.neurons hidden.nodes hidden.n_units hidden.num_units hidden.size hidden.width hidden.n", "is units here",
     "network.hidden=[{units: 4}]"),
    ("leaky_relu.alpha leaky_relu.negative_slope", "is slope here",
     "network.activation={name: leaky_relu, slope: 0.01}"),
    ("alpha", "of scikit-learn is penalties: {{name: l2, strength: alpha, per_example: true}} here",
     "penalties=[{name: l2, strength: 0.0001, per_example: true}]"),
    ("weight_decay wd",
     ("is a setting of the rule adamw, which shrinks weights by it beside the gradient; PyTorch's in sgd and adam is "
     "penalties: {{name: l2, strength: ...}}"),
     "optimizer={name: adamw, weight_decay: 0.01}", "penalties=[{name: l2, strength: 0.01}]"),
    ("l2 l2_reg l2_regularization lambda lmbda reg reg_lambda regularization regularizer ridge kernel_regularizer",
     "is penalties: {{name: l2, strength: ...}} here, which adds ½ · strength · Σ W², not divided by the examples",
     "penalties=[{name: l2, strength: 0.01}]"),
    ("l1 l1_reg l1_regularization lasso", "is penalties: {{name: l1, strength: ...}} here",
     "penalties=[{name: l1, strength: 0.01}]"),
    ("elastic_net elasticnet l1_ratio", "is penalties: elastic here", "penalties=[elastic]"),
    ("patience n_iter_no_change tol min_delta early_stop early_stopping_rounds stopping_rounds callbacks callback",
     "goes into early_stopping: {{patience: 10}} here", "early_stopping={patience: 10}"),
    ("restore_best_weights save_best_only keep_best best_model", "is keep: best here", "keep=best"),
    ("batch batchsize batch_sz bs minibatch mini_batch minibatch_size mini_batch_size train_batch_size",
     "is optimizer.batch_size here", "optimizer.batch_size=8"),
    ("validation_split val_split valid_split validation_fraction validation_size val_size val_fraction eval_split",
     "is data.split.validation here: a fraction of all rows, stratified for classes",
     "data.split.validation=0.1"),
    ("test_size test_split test_fraction holdout", "is data.split.test here: a fraction of all rows",
     "data.split.test=0.2"),
    (("hidden_layer_sizes hidden_layers hidden_sizes hidden_units hidden_dim hidden_dims hidden_size layers "
     "layer_sizes units neurons n_hidden n_units num_units n_neurons widths architecture topology"),
     "is network.hidden here: the widths of the hidden layers, such as [64, 32]", "network.hidden=[64, 32]"),
    ("optim solver trainer update_rule algorithm", "is optimizer here", "optimizer=adam"),
    ("max_iter num_epochs nb_epoch nb_epochs no_epochs max_epochs n_iter num_iterations iterations",
     "is epochs here: passes over the training examples", "epochs=5"),
    ("dropout dropout_rate drop_rate dropout_prob dropout_p p_dropout hidden_dropout",
     "is network.dropout here, or a hidden layer's own: the probability that an output is 0 in training",
     "network.hidden=[4] + network.dropout=0.5"),
    ("noise gaussian_noise input_noise_std noise_std", "is data.input_noise here, on the scaled inputs",
     "data.input_noise={std: 0.1}"),
    ("maxnorm max_norm_constraint kernel_constraint", "is network.max_norm here",
     "network.hidden=[4] + network.max_norm=3"),
    ("random_state random_seed rng manual_seed rng_seed", "is seed here", "seed=3"),
    (("features_columns feature_columns feature_cols x x_columns predictors independent input_columns input_features "
     "feature_names"),
     "is data.features here: the columns to use", "data.features=[a]"),
    (("y y_column label labels label_column labels_column target_column target_columns targets_column target_col "
     "output_column output_features response dependent class_column classes"),
     "is data.target here: a column, or a list of columns", "data.target=y"),
    (("normalize normalise normalization normalisation standardize standardise standardization scaler scaling "
     "feature_scaling preprocessing"),
     "is data.scale here: standard (the default of tables), minmax or none", "data.scale=minmax"),
    ("momentum", "is a rule of its own here: optimizer: {{name: momentum, momentum: 0.9}}",
     "optimizer={name: momentum, momentum: 0.9}"),
    ("nesterov nesterovs_momentum", "is a rule of its own here: optimizer: {{name: nesterov, momentum: 0.9}}",
     "optimizer={name: nesterov, momentum: 0.9}"),
    ("amsgrad", "is a rule of its own here: optimizer: amsgrad", "optimizer=amsgrad"),
    ("betas beta", "are beta1 and beta2 here: optimizer: {{name: adam, beta1: 0.9, beta2: 0.999}}",
     "optimizer={name: adam, beta1: 0.9, beta2: 0.999}"),
    ("eps", "is epsilon here", "optimizer={name: adam, epsilon: 1.0e-8}"),
    ("decay lr_decay learning_rate_decay",
     "is optimizer.schedule: {{name: inverse_time, decay: ...}} here, or another schedule: bp list schedules",
     "optimizer.schedule={name: inverse_time, decay: 0.1}"),
    ("gamma", "is the factor of optimizer.schedule: {{name: exponential, factor: ...}} here",
     "optimizer.schedule={name: exponential, factor: 0.95}"),
    ("power_t", "is power of optimizer.schedule: {{name: inverse_time, power: 0.5}} here",
     "optimizer.schedule={name: inverse_time, power: 0.5}"),
    ("scheduler lr_scheduler lr_schedule learning_rate_schedule annealing",
     "is optimizer.schedule here: bp list schedules", "optimizer.schedule=cosine"),
    ("warmup warmup_steps warmup_epochs warm_up",
     "is optimizer.schedule: {{name: warmup, epochs: ..., then: ...}} here",
     "optimizer.schedule={name: warmup, epochs: 2, then: cosine}"),
    ("clipnorm clip_norm max_grad_norm gradient_clip_norm grad_clip gradient_clipping clip_grad gradient_clip_val",
     "is optimizer.clip: {{name: norm, norm: 1}} here", "optimizer.clip={name: norm, norm: 1}"),
    ("clipvalue clip_value", "is optimizer.clip: {{name: value, value: 1}} here",
     "optimizer.clip={name: value, value: 1}"),
    ("act act_func activation_function activation_fn hidden_activation nonlinearity transfer_function",
     "is network.activation here: of the hidden layers", "network.activation=tanh"),
    ("output_activation out_activation final_activation last_activation", "is network.output here",
     "network.output=softmax"),
    ("init kernel_initializer weight_init weights_init weight_initializer weight_initialization initialization",
     "is network.initializer here", "network.initializer=he"),
    ("warm_start pretrained initial_weights load_weights init_weights starting_weights", "is network.weights here",
     "network.weights=run"),
    ("loss_function loss_fn lossfn loss_func criterion objective cost cost_function error_function", "is loss here",
     "loss=cross_entropy"),
    ("scoring eval_metric eval_metrics score scores", "is metrics here", "metrics=[accuracy]"),
    ("precision float_type", "is dtype here: float32 or float64", "dtype=float64"),
    ("n_jobs num_threads num_workers workers", "is threads here; auto takes the cores that the process may use",
     "threads=2"),
    ("device gpu cuda jit", "has no counterpart here: bp computes on the CPU; engine: numba compiles the steps",
     "engine=numba"),
    ("file filename file_name filepath csv csv_path dataset data_path data_file source table",
     "is data.path here, or data.train with a file of its own", "data.path=t.csv"),
    ("train_data train_path training_data training_file train_file", "is data.train here",
     "data={train: t.csv}"),
    ("val dev val_data validation_data validation_file valid_data",
     "is data.validation here, a file, or data.split.validation, a fraction",
     "data={train: t.csv, validation: v.csv}", "data.split.validation=0.1"),
    ("test_data test_path test_file", "is data.test here", "data={train: t.csv, test: t.csv}"),
    ("sep delim separator field_separator", "is data.delimiter here", "data.delimiter=;"),
    ("decimal_point decimal_separator", "is data.decimal here", 'data.decimal=","'),
    ("thousands_separator", "is data.thousands here", 'data.thousands=","'),
    ("na_values na nan na_strings nan_values missing_values null_values", "is data.missing here", "data.missing=[NA]"),
    ("has_header header_row", "is data.header here: true or false", "data.header=false"),
    (("categorical categories categorical_columns categorical_features cat_features cat_columns cat_cols "
     "column_types col_types schema"),
     "is data.types here: {{column: category}}; text is a category of its own accord", "data.types={a: category}"),
    ("date_columns parse_dates date_format datetime_format", "is data.types here: {{column: date}}",
     'data.types={a: {name: date, format: "%d.%m.%Y"}}'),
    ("ignore exclude drop_columns ignore_columns ignored_columns exclude_columns usecols_not", "is data.drop here",
     "data.drop=[a]"),
    ("usecols columns use_columns", "is data.features here", "data.features=[a]"),
    ("class_weights scale_pos_weight pos_weight", "is data.class_weight here", "data.class_weight=balanced"),
    ("sample_weights weight_column weights_column instance_weight", "is data.sample_weight here: a column",
     "data.sample_weight=w"),
    ("groups group_column", "is data.group here: a column", "data.split.test=0.2 + data.group=g"),
    ("stratify stratified", "needs no key: a split of classes is stratified, data.split.test says how large it is",
     "data.split.test=0.2"),
    ("cv k_folds kfold n_splits num_folds n_folds folds", "is an option of the command here: bp train --folds 5"),
    ("verbose verbosity silent quiet", "is an option of the command here: bp train --quiet"),
    ("save_path output_dir out_dir output_path log_dir logdir save_dir run_name experiment_name",
     "is an option of the command here: bp train --run FOLDER"),
    ("max_time time_limit timeout max_runtime_secs max_training_time", "is max_seconds here", "max_seconds=60"),
    (("num_classes n_classes input_dim input_size input_shape n_inputs output_dim output_size n_outputs num_outputs "
     "n_features in_features out_features"),
     FROM_DATA),
    ("bias use_bias fit_intercept intercept", "needs no key here: every layer has a bias"),
)  # fmt: skip
"""Keys; ``within.key`` stands within a choice or a section of that name."""

CHOICES: dict[str, Table] = {
    "loss": _table(
        ("mse mean_squared_error mseloss mse_loss squared_error l2 l2_loss quadratic sse rss ls", HALF,
         "loss=half_squared_error"),
        ("mae l1 l1_loss l1loss mean_absolute_error", "is absolute_error here", "loss=absolute_error"),
        ("smooth_l1 smooth_l1_loss huber_loss huberloss smoothl1loss", "is huber here", "loss=huber"),
        ("logcosh", "is log_cosh here", "loss=log_cosh"),
        ("pinball pinball_loss quantile_loss", "is quantile here", "loss=quantile"),
        ("poisson_nll poissonnllloss poisson_loss", "is poisson here", "loss=poisson"),
        ("kl kld kldiv kl_div kl_divergence kldivloss kullback_leibler_divergence", "is kullback_leibler here",
         "loss=kullback_leibler"),
        ("focal_loss binary_focal_crossentropy", "is focal here", "loss=focal"),
        ("categorical_focal_crossentropy", "is categorical_focal here", "loss=categorical_focal"),
        ("hinge_loss svm hingeloss", "is hinge here", "loss=hinge"),
        (("bce bceloss bce_loss bcewithlogits bce_with_logits bcewithlogitsloss binary_crossentropy binary_logloss "
         "logistic sigmoid binary"),
         "is binary_cross_entropy here, over sigmoid outputs and summed over them", "loss=binary_cross_entropy"),
        ("log_loss logloss", "is cross_entropy here, or binary_cross_entropy for one output and two classes",
         "loss=cross_entropy", "loss=binary_cross_entropy"),
        (("categorical_crossentropy sparse_categorical_crossentropy crossentropyloss cross_entropy_loss "
         "softmax_cross_entropy softmax ce xent nll nllloss nll_loss negative_log_likelihood mlogloss multinomial "
         "multiclass deviance"),
         "is cross_entropy here, over softmax outputs; the target is one column of classes, not one-hot",
         "loss=cross_entropy"),
    ),
    "activation": _table(
        ("logistic logsig expit sigm", "is sigmoid here", "network.activation=sigmoid"),
        ("linear none purelin lin", "is identity here", "network.output=identity"),
        ("rectifier rectified_linear rectified poslin ramp", "is relu here", "network.activation=relu"),
        ("leakyrelu lrelu leaky", "is leaky_relu here", "network.activation=leaky_relu"),
        ("tansig hyperbolic_tangent htan tanhyperbolic", "is tanh here", "network.activation=tanh"),
        ("swish", "is silu here", "network.activation=silu"),
        ("gelu_tanh gelu_new gelu_approximate", "is gelu here, with its setting for the approximation",
         "network.activation=gelu"),
        ("softmax_layer log_softmax logsoftmax", "is softmax here; the loss takes its logarithm",
         "network.output=softmax"),
        ("hardtanh", "is hard_tanh here", "network.activation=hard_tanh"),
        ("hardsigmoid", "is hard_sigmoid here", "network.activation=hard_sigmoid"),
        ("hardswish hard_silu", "is hard_swish here", "network.activation=hard_swish"),
    ),
    "optimizer": _table(
        ("sgd", ("is a mode here, mode: sgd, which updates after each example; the rule is gradient_descent, by "
         "mini-batches unless mode says otherwise"),
         "optimizer={name: gradient_descent, mode: sgd}"),
        ("gd bgd vanilla steepest_descent backprop backpropagation traingd plain mini_batch_gradient_descent",
         "is gradient_descent here; mode says after how many examples it updates",
         "optimizer={name: gradient_descent, mode: batch}"),
        ("sgdm momentum_sgd sgd_momentum heavy_ball traingdm traingdx", "is momentum here", "optimizer=momentum"),
        ("nag nesterov_momentum nesterovs accelerated_gradient", "is nesterov here", "optimizer=nesterov"),
        ("rms_prop", "is rmsprop here", "optimizer=rmsprop"),
        ("adam_w adamwr", "is adamw here", "optimizer=adamw"),
        ("ams_grad", "is amsgrad here", "optimizer=amsgrad"),
        ("resilient resilient_backpropagation trainrp r_prop", "is rprop here, in mode: batch",
         "optimizer={name: rprop, mode: batch}"),
        ("l_bfgs bfgs lbfgsb l_bfgs_b", "is lbfgs here, in mode: batch", "optimizer={name: lbfgs, mode: batch}"),
        ("lm trainlm marquardt levenberg", "is levenberg_marquardt here, in mode: batch, for half_squared_error",
         "loss=half_squared_error + optimizer={name: levenberg_marquardt, mode: batch}"),
        ("trainbr bayesian", "is bayesian_regularization here, in mode: batch, for half_squared_error",
         "loss=half_squared_error + optimizer={name: bayesian_regularization, mode: batch}"),
    ),
    "initializer": _table(
        ("xavier xavier_normal xavier_uniform glorot_normal glorot_uniform", f"is glorot here, which {NORMAL}",
         "network.initializer=glorot"),
        ("kaiming kaiming_normal kaiming_uniform he_normal he_uniform msra", f"is he here, which {NORMAL}",
         "network.initializer=he"),
        ("lecun_normal lecun_uniform", f"is lecun here, which {NORMAL}", "network.initializer=lecun"),
        ("random_normal gaussian randn truncated_normal", "is normal here, with the setting std",
         "network.initializer={name: normal, std: 0.1}"),
        ("random_uniform random rand", "is uniform here, with the setting limit",
         "network.initializer={name: uniform, limit: 0.1}"),
        ("zero constant", "is zeros here", "network.initializer=zeros"),
    ),
    "metric": _table(
        ("acc", "is accuracy here", "metrics=[accuracy]"),
        ("r2_score r_squared rsquared", "is r2 here", "metrics=[r2]"),
        ("mean_absolute_error l1", "is mae here", "metrics=[mae]"),
        ("root_mean_squared_error rms", "is rmse here", "metrics=[rmse]"),
        ("mean_squared_error", "is mse here, without a ½", "metrics=[mse]"),
        ("auc roc auroc roc_auc_score", "is roc_auc here", "metrics=[roc_auc]"),
        ("ap average_precision_score pr_auc auprc prauc", "is average_precision here", "metrics=[average_precision]"),
        ("f1_score f_score fscore", "is f1 here", "metrics=[f1]"),
        ("f1_macro f1_micro f1_weighted f1_binary", "is a column of {{name: f1, average: ...}} here",
         "metrics=[{name: f1, average: macro}]"),
        ("precision_macro precision_micro precision_weighted precision_binary",
         "is a column of {{name: precision, average: ...}} here", "metrics=[{name: precision, average: macro}]"),
        ("recall_macro recall_micro recall_weighted recall_binary",
         "is a column of {{name: recall, average: ...}} here", "metrics=[{name: recall, average: macro}]"),
        ("top_2 top_3 top_5 top_10", "is a column of {{name: top_k, k: ...}} here", "metrics=[{name: top_k, k: 2}]"),
        ("mcc matthews_corrcoef", "is matthews_correlation here", "metrics=[matthews_correlation]"),
        ("logloss", "is log_loss here", "metrics=[log_loss]"),
        ("brier_score", "is brier here", "metrics=[brier]"),
        ("ece", "is expected_calibration_error here", "metrics=[expected_calibration_error]"),
        ("top_k_accuracy topk top5", "is top_k here", "metrics=[top_k]"),
        ("explained_variance_score", "is explained_variance here", "metrics=[explained_variance]"),
    ),
    "schedule": _table(
        ("exponential_decay exponentialdecay exponentiallr exp exp_decay", "is exponential here",
         "optimizer.schedule=exponential"),
        ("steplr step_decay staircase multistep", "is step here", "optimizer.schedule=step"),
        ("cosine_annealing cosineannealing cosineannealinglr cosine_decay cosinedecay cosine_warm_restarts sgdr",
         "is cosine here; period makes it restart", "optimizer.schedule={name: cosine, period: 2}"),
        ("reducelronplateau reduce_lr_on_plateau plateau adaptive", "is reduce_on_plateau here",
         "optimizer.schedule=reduce_on_plateau"),
        ("onecycle onecyclelr 1cycle", "is one_cycle here", "optimizer.schedule=one_cycle"),
        ("invscaling inv_scaling inverse inversetimedecay inverse_time_decay",
         "is inverse_time here; scikit-learn's invscaling is {{name: inverse_time, power: 0.5, per: example}}",
         "optimizer.schedule={name: inverse_time, power: 0.5, per: example}"),
        ("poly polynomiallr polynomialdecay linear lineardecay linear_decay",
         "is polynomial here, with power: 1 linear", "optimizer.schedule={name: polynomial, power: 1}"),
        ("warm_up linear_warmup", "is warmup here", "optimizer.schedule={name: warmup, epochs: 2, then: constant}"),
        ("coslog4 cos_log", "is coslog here", "optimizer.schedule=coslog"),
        ("none fixed", "is constant here", "optimizer.schedule=constant"),
    ),
    "penalty": _table(
        ("ridge weight_decay tikhonov l2_regularization", "is l2 here", "penalties=[l2]"),
        ("lasso", "is l1 here", "penalties=[l1]"),
        ("elasticnet elastic_net l1_l2", "is elastic here", "penalties=[elastic]"),
    ),
    "kind of column": _table(
        ("numeric numerical float int integer real continuous num", "is number here", "data.types={a: number}"),
        ("categorical text string str nominal factor object bool boolean ordinal cat", "is category here",
         "data.types={a: category}"),
        ("datetime timestamp time day dates", "is date here, times of day included", "data.types={a: date}"),
        ("ignore skip none id exclude index", "is drop here", "data.types={a: drop}"),
    ),
}  # fmt: skip
"""Names of choices, by the word for their kind."""

VALUES: dict[str, Table] = {
    "optimizer.mode": _table(
        ("online stochastic incremental per_example single", "is sgd here: an update after each example",
         "optimizer.mode=sgd"),
        ("full full_batch fullbatch all whole", "is batch here: an update after all examples",
         "optimizer.mode=batch"),
    ),
    "data.scale": _table(
        ("zscore z_score standardize standardise standardscaler standard_scaler normal norm normalize mean_std",
         "is standard here: mean 0 and deviation 1", "data.scale=standard"),
        ("minmaxscaler min_max min_max_scaler range 0_1 unit rescale", "is minmax here: the range [0, 1]",
         "data.scale=minmax"),
    ),
    "data.task": _table(
        ("binary multiclass multi_class multilabel multi_label classifier classify class",
         "is classification here; how many classes there are, the data say", "data.task=classification"),
        ("regressor regress numeric forecasting", "is regression here", "data.task=regression"),
    ),
    "dtype": _table(
        ("double f64 fp64 64 float_64", "is float64 here", "dtype=float64"),
        ("single f32 fp32 32 float float_32 float16 half bfloat16", "is float32 here, the least there is",
         "dtype=float32"),
    ),
    "engine": _table(
        ("jit compiled fast llvm gpu cuda", "is numba here, compiled for the CPU", "engine=numba"),
        ("python reference cpu", "is numpy here", "engine=numpy"),
    ),
}  # fmt: skip
"""Values of keys that take one of a few words, by the key."""
