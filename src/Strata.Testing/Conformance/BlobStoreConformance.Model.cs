using Xunit;

namespace Strata.Testing;

/// <content>Random operations, compared step by step with a dictionary.</content>
public abstract partial class BlobStoreConformance
{
    [Fact]
    public async Task Random_operations_do_what_they_do_to_a_dictionary()
    {
        int seed = TestSeed.Next();
        var model = new StoreModel(Store, Clock, seed);
        for (int step = 0; step < 1500; step++)
        {
            try
            {
                await model.StepAsync();
            }
            catch (Exception e)
            {
                Assert.Fail($"Seed {seed}, step {step} (set {TestSeed.Variable}={seed} to repeat): {e.Message}\n{model}\n{e}");
            }
        }
    }
}
