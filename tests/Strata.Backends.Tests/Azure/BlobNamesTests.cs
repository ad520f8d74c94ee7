using Strata.Azure;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>No two keys have one name, and none is taken for a folder's.</summary>
public sealed class BlobNamesTests
{
    [Theory]
    [InlineData("a/b", "a/b")]
    [InlineData("a\\b", "a[\U0010FFFDbb")]
    [InlineData("\\\\", "[\U0010FFFDb[\U0010FFFDb")]
    [InlineData("[\U0010FFFDb", "[\U0010FFFDab")]
    [InlineData("\uFFFE\uFFFF\U0010FFFF", "\U0010FFFDe\U0010FFFDf\U0010FFFF")]
    public void A_name_is_that_of_one_key(string key, string name)
    {
        Assert.Equal(name, BlobNames.Encode(key));
        Assert.Equal(key, BlobNames.Decode(name));
    }

    [Theory]
    [InlineData("a\\b")]
    [InlineData("\U0010FFFD")]
    [InlineData("\U0010FFFDb")]
    [InlineData("x\U0010FFFDq")]
    public void A_name_that_no_key_has_is_none(string name) => Assert.Null(BlobNames.Decode(name));
}
