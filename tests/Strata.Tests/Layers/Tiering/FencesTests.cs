using Xunit;

namespace Strata.Tests;

/// <summary>What a fence keeps out, whatever happens between two looks at it.</summary>
public sealed class FencesTests
{
    private static readonly BlobKey Key = BlobKey.Parse("a/key");

    /// <summary>
    /// Whoever read below while the key was fenced may have read what the write replaced. If its fill looked at the
    /// generation before the fence was lowered, and at the fence after it, it would bring back what was deleted.
    /// </summary>
    [Fact]
    public async Task What_was_read_behind_a_fence_is_not_published_while_the_fence_is_lowered()
    {
        const int Runs = 50_000;
        var fences = new Fences();
        int published = 0;
        for (int run = 0; run < Runs; run++)
        {
            Fences.Fence fence = await fences.RaiseAsync(Key, TestContext.Current.CancellationToken);
            long generation = fences.Generation(Key);
            using var both = new Barrier(2);
            Task<bool> fill = Task.Run(() =>
            {
                both.SignalAndWait();
                return fences.TryPublishAsync(Key, generation, () =>
                {
                    Interlocked.Increment(ref published);
                    return default;
                }).AsTask();
            });
            both.SignalAndWait();
            Thread.SpinWait(run % 40);
            fence.Dispose();
            Assert.False(await fill, $"Run {run}: a fill from behind a fence was published.");
        }

        Assert.Equal(0, published);
    }
}
