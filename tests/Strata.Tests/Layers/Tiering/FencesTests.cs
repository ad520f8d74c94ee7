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
        int published = 0, found = 0;
        long generation = 0;
        using var both = new Barrier(2);

        // A thread of its own: one of the pool need not come while the test holds another.
        Task filling = Task.Factory.StartNew(
            async () =>
            {
                for (int run = 0; run < Runs; run++)
                {
                    both.SignalAndWait();
                    bool isPublished = await fences.TryPublishAsync(Key, generation, () =>
                    {
                        Interlocked.Increment(ref published);
                        return default;
                    });
                    if (isPublished) found++;
                    both.SignalAndWait();
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).Unwrap();
        for (int run = 0; run < Runs; run++)
        {
            Fences.Fence fence = await fences.RaiseAsync(Key, TestContext.Current.CancellationToken);
            generation = fences.Generation(Key);
            both.SignalAndWait();
            Thread.SpinWait(run % 40);
            fence.Dispose();
            both.SignalAndWait();
            Assert.True(found == 0, $"Run {run}: a fill from behind a fence was published.");
        }

        await filling;
        Assert.Equal(0, published);
    }

    /// <summary>A reader may stall for hours: what it captured is compared all the same, however many other keys were written since.</summary>
    [Fact]
    public async Task A_write_is_not_forgotten_however_many_others_follow()
    {
        var fences = new Fences();
        CancellationToken token = TestContext.Current.CancellationToken;
        long generation = fences.Generation(Key);
        (await fences.RaiseAsync(Key, token)).Dispose();
        for (int i = 0; i < 20_000; i++) (await fences.RaiseAsync(BlobKey.Parse($"other/{i}"), token)).Dispose();
        Assert.False(await fences.TryPublishAsync(Key, generation, () => default), "a fill from before the write was published");
        Assert.True(await fences.TryPublishAsync(Key, fences.Generation(Key), () => default), "nothing can be filled any more");
    }
}
