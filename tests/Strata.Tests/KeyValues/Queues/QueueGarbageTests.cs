using System.Text;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>Whoever has the database can write where its queues lie: what is there that no queue wrote stops nobody's messages.</summary>
public sealed class QueueGarbageTests(ITestOutputHelper output)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void A_record_is_read_or_refused_whatever_its_bytes_are()
    {
        int seed = Random.Shared.Next(), count = LongForm.Of(100_000, 5_000), read = 0;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        byte[] valid = new QueueRecord
        {
            Value = KvValue.OfBytes("value"u8.ToArray()), Enqueued = DateTimeOffset.UnixEpoch.AddYears(50), Backoff = EnqueueOptions.StandardBackoff, KeysIfUndelivered = [new byte[] { 2, 1 }], Error = "no luck",
        }.Write().Data.ToArray();
        for (int i = 0; i < count; i++)
        {
            byte[] bytes = [.. valid[..random.Next(valid.Length + 1)]];
            if (random.Next(2) == 0) bytes = [.. valid];
            for (int n = random.Next(4); n > 0 && bytes.Length > 0; n--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                QueueRecord record = QueueRecord.Read(bytes);
                Assert.All(record.Backoff, wait => Assert.InRange(wait, TimeSpan.Zero, TimeSpan.FromDays(365)));
                record.Write();
                read++;
            }
            catch (InvalidDataException)
            {
                // What is documented.
            }
        }

        Assert.InRange(read, 1, count - 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Messages_come_through_garbage(bool byReceipt)
    {
        var clock = new FakeClock();
        var context = new StoreContext { Clock = clock };
        await using var database = new MemoryKvDatabase(null, context);
        var queue = new KvQueue(database, "", context);
        KvValue text = KvValue.OfBytes("hello"u8.ToArray());
        byte[] range = [0xFF, (byte)'q', 0, (byte)'d'];
        byte[][] garbage = [range, [.. range, 0], [.. range, .. new byte[8]], [.. range, .. new byte[8 + 24]], [.. range, .. Enumerable.Repeat((byte)0xFF, 8 + 24)], [.. range, .. new byte[100]], [.. range, .. Encoding.ASCII.GetBytes("anything")]];
        await database.AtomicWriteAsync(new AtomicWrite { Mutations = [.. garbage.Select(key => KvMutation.Set(key, text))] }, Token);
        await queue.EnqueueAsync(text, cancellationToken: Token);
        await queue.GetStatusAsync(Token);
        if (byReceipt)
        {
            QueueDelivery taken = Assert.Single(await queue.Leases.TakeAsync(1, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30), Token));
            Assert.True(await queue.Leases.AcknowledgeAsync(QueueReceipt.Of(taken)));
        }
        else
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
            await queue.ListenAsync((_, _) => stop.CancelAsync(), cancellationToken: stop.Token).WaitAsync(TimeSpan.FromSeconds(30), Token);
        }

        // What cannot be read, and what is due when there is no time any more, stays: it may be somebody's.
        Assert.Equal((2, 0), await queue.GetStatusAsync(Token) is { } status ? (status.Pending, status.Due) : default);
    }
}
