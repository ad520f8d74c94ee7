using Xunit;

namespace Strata.Tests;

public sealed class OwnedTests
{
    [Fact]
    public async Task One_that_cannot_be_closed_leaves_none_of_the_others_open_and_is_told()
    {
        var closed = new List<string>();
        await using var first = new Part("first", closed);
        await using var second = new Part("second", closed, fails: true);
        await using var third = new Part("third", closed, fails: true);
        InvalidOperationException e = await Assert.ThrowsAsync<InvalidOperationException>(async () => await Owned.DisposeAllAsync([first, null, second, third]));
        Assert.Equal("second", e.Message);
        Assert.Equal(["first", "second", "third"], closed);
    }

    private sealed class Part(string name, List<string> closed, bool fails = false) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            if (closed.Contains(name)) return default;
            closed.Add(name);
            return fails ? throw new InvalidOperationException(name) : default;
        }
    }
}
