using Strata.S3;
using Strata.Testing;
using Xunit;

namespace Strata.Backends.Tests;

public sealed class SuiteCompletenessTests
{
    [Fact]
    public void No_conformance_class_leaves_out_a_part_of_the_suite() => Assert.Empty(SuiteCompleteness.FaultsIn(typeof(SuiteCompletenessTests).Assembly));

    [Fact]
    public void Every_store_has_a_conformance_class() =>
        Assert.Empty(SuiteCompleteness.StoresWithoutConformance(typeof(SuiteCompletenessTests).Assembly, typeof(S3BlobStore).Assembly));
}
