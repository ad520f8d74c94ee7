using Strata.Testing;
using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <summary>What is kept while a tier is filled. It is the process's memory that is measured, and so nothing else runs meanwhile.</summary>
[Collection(nameof(Alone))]
public sealed class BootstrapMemoryTests
{
    /// <summary>Twenty thousand candidates for a hundred places: what is kept meanwhile is the hundred.</summary>
    [Fact]
    public async Task Memory_goes_with_the_limit_and_not_with_what_is_listed()
    {
        await using var f = new UpkeepFixture();
        for (int i = 0; i < 20_000; i++) await f.Cold.PutBytesAsync(BlobKey.Parse($"a/{i:d6}"), Bytes("x"));
        await f.Upkeep.BootstrapTierAsync("warm", new BootstrapOptions { Limit = 100 });
        long most = 0;
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var watch = new Watching(() => most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before));
        await f.Upkeep.BootstrapTierAsync("warm", new BootstrapOptions { Limit = 100 }, watch);
        Assert.True(most < 2 << 20, $"{most} bytes were kept for 100 places");
    }

    private sealed class Watching(Action watch) : IProgress<UpkeepProgress>
    {
        private int _reports;

        public void Report(UpkeepProgress value)
        {
            if (_reports++ % 5 == 0) watch();
        }
    }
}
