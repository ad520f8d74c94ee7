using Xunit;

namespace Strata.Tests;

/// <summary>The queues of a database, found without being named, at a cost that has a limit.</summary>
public sealed class QueueSurveyTests : IAsyncLifetime
{
    private readonly MemoryKvDatabase _database = new();

    public ValueTask InitializeAsync() => default;

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task Each_queue_is_found_with_its_messages_and_a_drained_one_too()
    {
        Assert.Empty(await ReadAsync());
        await new Kv(_database).SetAsync(["q"], "a key of the user's");
        foreach ((string name, int messages) in ((string, int)[])[("", 1), ("b", 3), ("ä", 2), ("bb", 1_005)])
        {
            var queue = new KvQueue(_database, name);
            for (int i = 0; i < messages; i++) await queue.EnqueueAsync(KvValue.OfBytes(default), new EnqueueOptions { Delay = TimeSpan.FromHours(1) });
        }

        // Its bell alone is left.
        await _database.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Set(new QueueKeys("drained").Bell, KvValue.OfBytes(default))] }, CancellationToken.None);
        Assert.Equal([new("", 1, 0), new("b", 3, 0), new("bb", QueueSurvey.MaxCounted, 0), new("ä", 2, 0), new QueueCount("drained", 0, 0)], await ReadAsync());
    }

    [Fact]
    public async Task Keys_that_are_no_queues_are_passed_over_and_many_queues_are_cut_off()
    {
        // A length that is too great, a name that is no text, a key that ends too early: anybody may have written them.
        byte[][] strange = [[0xFF, (byte)'q'], [0xFF, (byte)'q', 1], [0xFF, (byte)'q', 1, 0xC0, 1], [0xFF, (byte)'q', 200, 1, 2]];
        await _database.AtomicWriteAsync(new AtomicWrite { Mutations = [.. strange.Select(k => KvMutation.Set(k, KvValue.OfBytes(default)))] }, CancellationToken.None);
        await new KvQueue(_database, "sound").EnqueueAsync(KvValue.OfBytes(default));
        Assert.Equal([new QueueCount("sound", 1, 0)], await ReadAsync());
        for (int i = 0; i < 2 * QueueSurvey.MaxQueues; i++) await new KvQueue(_database, $"many-{i}").EnqueueAsync(KvValue.OfBytes(default));
        Assert.InRange((await ReadAsync()).Count, 1, QueueSurvey.MaxQueues);
    }

    private async Task<IReadOnlyList<QueueCount>> ReadAsync() => await QueueSurvey.ReadAsync(_database, CancellationToken.None);
}
