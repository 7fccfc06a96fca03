/* Trains a network of FANN's on arrays that the caller owns.
 *
 * With batch 1 by fann_train, one example at a time; else each batch is a
 * training set of its own for fann_train_epoch, whose "batch" algorithm updates
 * once with the mean gradient. FANN's tangent error function is off, so what it
 * descends is half the squared error, summed over outputs.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <floatfann.h>

static const float LOGISTIC = 0.5f; /* FANN's sigmoid is 1 / (1 + exp(-2 s z)) */

struct fann *network_new(unsigned layers, const unsigned *sizes, float rate, unsigned batch)
{
    struct fann *ann = fann_create_standard_array(layers, sizes);
    fann_set_activation_function_hidden(ann, FANN_SIGMOID);
    fann_set_activation_function_output(ann, FANN_SIGMOID);
    fann_set_activation_steepness_hidden(ann, LOGISTIC);
    fann_set_activation_steepness_output(ann, LOGISTIC);
    fann_set_train_error_function(ann, FANN_ERRORFUNC_LINEAR);
    fann_set_training_algorithm(ann, batch == 1 ? FANN_TRAIN_INCREMENTAL : FANN_TRAIN_BATCH);
    fann_set_learning_rate(ann, rate);
    fann_set_learning_momentum(ann, 0.0f);
    return ann;
}

/* FANN holds, unit by unit, the weights from below and then the bias. Returns 0 if the count differs. */
int network_set(struct fann *ann, const float *weights, unsigned count)
{
    if (fann_get_total_connections(ann) != count)
        return 0;
    memcpy(ann->weights, weights, count * sizeof *weights);
    return 1;
}

static double one_by_one(struct fann *ann, float *X, float *Y, const int64_t *order, unsigned examples)
{
    const unsigned n = fann_get_num_input(ann), k = fann_get_num_output(ann);
    fann_reset_MSE(ann);
    for (unsigned i = 0; i < examples; i++)
        fann_train(ann, X + order[i] * n, Y + order[i] * k);
    return fann_get_MSE(ann);
}

static double by_batches(struct fann *ann, float **inputs, float **outputs, unsigned examples, unsigned batch)
{
    double sum = 0;
    for (unsigned i = 0; i < examples; i += batch) {
        struct fann_train_data data = {0};
        data.num_data = batch;
        data.num_input = fann_get_num_input(ann);
        data.num_output = fann_get_num_output(ann);
        data.input = inputs + i;
        data.output = outputs + i;
        sum += (double)fann_train_epoch(ann, &data) * batch;
    }
    return sum / examples;
}

/* Train for some epochs, each in its own order of examples; writes the mean loss of each. */
void network_train(struct fann *ann, float *X, float *Y, const int64_t *order, unsigned examples, unsigned batch,
                   unsigned epochs, double *losses)
{
    const unsigned n = fann_get_num_input(ann), k = fann_get_num_output(ann);
    float **inputs = malloc(examples * sizeof *inputs), **outputs = malloc(examples * sizeof *outputs);
    for (unsigned epoch = 0; epoch < epochs; epoch++, order += examples) {
        for (unsigned i = 0; i < examples; i++) {
            inputs[i] = X + order[i] * n;
            outputs[i] = Y + order[i] * k;
        }
        const double mean_square = batch == 1 ? one_by_one(ann, X, Y, order, examples)
                                              : by_batches(ann, inputs, outputs, examples, batch);
        losses[epoch] = 0.5 * k * mean_square;
    }
    free(inputs);
    free(outputs);
}
