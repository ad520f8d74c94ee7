using System.Globalization;
using Xunit;

namespace Strata.Testing;

/// <summary>The seed of a random test: new each run, written to the test's output, repeatable by an environment variable.</summary>
internal static class TestSeed
{
    public const string Variable = "STRATA_TEST_SEED";

    public static int Next()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable(Variable), CultureInfo.InvariantCulture, out int given) ? given : Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed} (set {Variable}={seed} to repeat)");
        return seed;
    }
}
