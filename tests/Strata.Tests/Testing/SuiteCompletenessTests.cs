using System.Reflection;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

public sealed class SuiteCompletenessTests
{
    private static readonly Assembly Here = typeof(SuiteCompletenessTests).Assembly;

    [Fact]
    public void No_conformance_class_leaves_out_a_part_of_the_suite() => Faults.None(SuiteCompleteness.FaultsIn(Here));

    [Fact]
    public void Every_store_has_a_conformance_class() =>
        Faults.None(SuiteCompleteness.StoresWithoutConformance(Here, typeof(IBlobStore).Assembly, typeof(BlobStoreConformance).Assembly)
            .Select(store => $"{store} has no conformance class."));

    [Fact]
    public void The_suite_has_not_lost_its_tests() => Assert.True(SuiteCompleteness.Tests.Count >= 100, $"{SuiteCompleteness.Tests.Count} tests.");

    [Theory]
    [InlineData(typeof(Hiding), "hides or overrides An_empty_blob_is_a_blob")]
    [InlineData(typeof(Unnamed), "lacks [ConformanceOfAttribute]")]
    [InlineData(typeof(Unnamed), "must be public")]
    [InlineData(typeof(string), "does not derive")]
    public void What_leaves_a_part_out_is_told(Type conformance, string fault) =>
        Assert.Contains(SuiteCompleteness.FaultsOf(conformance), f => f.Contains(fault, StringComparison.Ordinal));

    [Fact]
    public void A_store_without_a_conformance_class_is_told() =>
        Assert.Contains(typeof(MemoryBlobStore), SuiteCompleteness.StoresWithoutConformance(typeof(BlobStoreConformance).Assembly, typeof(IBlobStore).Assembly));

    // Abstract, so that neither the runner nor the check of this assembly takes them for conformance classes.
    private abstract class Hiding : BlobStoreConformance
    {
#pragma warning disable xUnit1024, CA1822 // The very fault to be told.
        public new Task An_empty_blob_is_a_blob() => Task.CompletedTask;
#pragma warning restore xUnit1024, CA1822
    }

    private abstract class Unnamed : BlobStoreConformance;
}
