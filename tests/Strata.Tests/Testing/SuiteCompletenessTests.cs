using System.Reflection;
using Strata.Sqlite;
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
    public void Every_database_has_a_conformance_class() =>
        Faults.None(SuiteCompleteness.DatabasesWithoutConformance(Here, typeof(IKvDatabase).Assembly, typeof(SqliteKvDatabase).Assembly, typeof(KvDatabaseConformance).Assembly)
            .Select(database => $"{database} has no conformance class."));

    [Fact]
    public void Every_store_with_rows_has_a_conformance_class() =>
        Faults.None(SuiteCompleteness.RowsWithoutConformance(Here, typeof(IBlobStore).Assembly, typeof(BlobStoreConformance).Assembly)
            .Select(store => $"The rows of {store} have no conformance class."));

    [Fact]
    public void The_suites_have_not_lost_their_tests()
    {
        Assert.True(SuiteCompleteness.Tests.Count >= 100, $"{SuiteCompleteness.Tests.Count} tests.");
        Assert.True(SuiteCompleteness.KvTests.Count >= 80, $"{SuiteCompleteness.KvTests.Count} tests.");
        Assert.True(SuiteCompleteness.RowTests.Count >= 18, $"{SuiteCompleteness.RowTests.Count} tests.");
    }

    [Theory]
    [InlineData(typeof(Hiding), "hides or overrides An_empty_blob_is_a_blob")]
    [InlineData(typeof(HidingOfKv), "hides or overrides A_read_of_nothing_answers_nothing")]
    [InlineData(typeof(Unnamed), "lacks [ConformanceOfAttribute]")]
    [InlineData(typeof(Unnamed), "must be public")]
    [InlineData(typeof(string), "does not derive")]
    public void What_leaves_a_part_out_is_told(Type conformance, string fault) =>
        Assert.Contains(SuiteCompleteness.FaultsOf(conformance), f => f.Contains(fault, StringComparison.Ordinal));

    [Fact]
    public void A_store_without_a_conformance_class_is_told() =>
        Assert.Contains(typeof(MemoryBlobStore), SuiteCompleteness.StoresWithoutConformance(typeof(BlobStoreConformance).Assembly, typeof(IBlobStore).Assembly));

    [Fact]
    public void A_database_without_a_conformance_class_is_told() =>
        Assert.Contains(typeof(MemoryKvDatabase), SuiteCompleteness.DatabasesWithoutConformance(typeof(KvDatabaseConformance).Assembly, typeof(IKvDatabase).Assembly));

    // Abstract, so that neither the runner nor the check of this assembly takes them for conformance classes.
    private abstract class Hiding : BlobStoreConformance
    {
#pragma warning disable xUnit1024, CA1822 // The very fault to be told.
        public new Task An_empty_blob_is_a_blob() => Task.CompletedTask;
#pragma warning restore xUnit1024, CA1822
    }

    private abstract class HidingOfKv : KvDatabaseConformance
    {
#pragma warning disable xUnit1024, CA1822 // The very fault to be told.
        public new Task A_read_of_nothing_answers_nothing() => Task.CompletedTask;
#pragma warning restore xUnit1024, CA1822
    }

    private abstract class Unnamed : BlobStoreConformance;
}
