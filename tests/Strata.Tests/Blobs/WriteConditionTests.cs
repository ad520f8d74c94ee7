using Xunit;

namespace Strata.Tests;

public sealed class WriteConditionTests
{
    private static readonly BlobInfo Current = new() { Key = BlobKey.Parse("a"), Length = 1, ETag = "e", Version = new BlobVersion(10) };

    [Fact]
    public void None_always_holds()
    {
        Assert.True(WriteCondition.None.Holds(null));
        Assert.True(default(WriteCondition).Holds(Current, new BlobVersion(99)));
    }

    [Fact]
    public void IfAbsent_holds_for_a_missing_key_only()
    {
        Assert.True(WriteCondition.IfAbsent.Holds(null));
        Assert.True(WriteCondition.IfAbsent.Holds(null, new BlobVersion(99)));
        Assert.False(WriteCondition.IfAbsent.Holds(Current));
    }

    [Fact]
    public void IfMatch_holds_for_its_etag_and_the_star_for_any()
    {
        Assert.True(WriteCondition.IfMatch("e").Holds(Current));
        Assert.True(WriteCondition.IfMatch("*").Holds(Current));
        Assert.False(WriteCondition.IfMatch("E").Holds(Current));
        Assert.False(WriteCondition.IfMatch("*").Holds(null));
        Assert.Throws<ArgumentException>(() => WriteCondition.IfMatch(""));
        Assert.Throws<ArgumentNullException>(() => WriteCondition.IfMatch(null!));
    }

    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(4, 0, true)]
    [InlineData(5, 0, false)]
    [InlineData(6, 0, false)]
    [InlineData(0, 4, true)]
    [InlineData(0, 5, false)]
    [InlineData(4, 5, false)]
    public void IfOlder_compares_with_blob_and_tombstone(ulong blob, ulong tombstone, bool holds) =>
        Assert.Equal(holds, WriteCondition.IfOlder(new BlobVersion(5)).Holds(blob == 0 ? null : Current with { Version = new BlobVersion(blob) }, new BlobVersion(tombstone)));

    [Fact]
    public void IfOlder_needs_a_version() => Assert.Throws<ArgumentException>(() => WriteCondition.IfOlder(BlobVersion.None));

    [Fact]
    public void A_condition_reads_well_in_a_message()
    {
        Assert.Equal("IfMatch(e)", WriteCondition.IfMatch("e").ToString());
        Assert.Equal("IfAbsent", WriteCondition.IfAbsent.ToString());
        Assert.Equal("IfOlder(0000000000000005)", WriteCondition.IfOlder(new BlobVersion(5)).ToString());
    }
}
