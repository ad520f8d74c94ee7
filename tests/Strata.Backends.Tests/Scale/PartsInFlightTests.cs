using Strata.Workload;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>A stream of unknown length that comes faster than the server takes it: it waits, and memory holds the stated parts.</summary>
public abstract class PartsInFlightTests(IRemoteServer server)
{
    private const int Part = 5 << 20, Parallelism = 3, Held = Parallelism + 1, Parts = 8;

    [Fact]
    public async Task A_stream_waits_for_a_slow_server_and_no_more_parts_are_held_than_stated()
    {
        string place = await server.CreatePlaceAsync();
        await using var proxy = new TcpProxy(server.Endpoint);
        using var gate = new SemaphoreSlim(0);
        int arrived = 0;
        proxy.Plan = async line =>
        {
            if (!server.IsPart(line)) return null;
            Interlocked.Increment(ref arrived);
            await gate.WaitAsync(TestContext.Current.CancellationToken);
            return null;
        };
        var pool = new CountingPool();
        var settings = new RemoteSettings { Proxy = proxy.Address, PartSize = Part, Parallelism = Parallelism, ProgressTimeout = TimeSpan.FromMinutes(2), Context = new StoreContext { Buffers = pool } };
        await using (IBlobStore store = await server.OpenAsync(place, settings))
        {
            await using var source = new PatternStream((Parts * Part) - 1);
            Task<WriteResult> write = store.WriteAsync(BlobKey.Parse("blob"), BlobContent.FromStream(source)).AsTask();
            for (int released = 0; released < Parts; released++)
            {
                int under = Math.Min(Parts, released + Parallelism);
                long read = Math.Min((Parts * Part) - 1, (released + Held) * (long)Part);
                await Eventually.HoldsAsync(
                    () => write.IsCompleted || (Volatile.Read(ref arrived) == under && source.Position == read),
                    () => $"with {released} parts let through, {arrived} of {under} have come and {source.Position} of {read} bytes were taken",
                    TimeSpan.FromSeconds(60));
                Assert.False(write.IsCompleted, "the write has ended before its parts");
                Assert.InRange(pool.Lent, 1, Held * Part);
                gate.Release();
            }

            Assert.True((await write.WaitAsync(TimeSpan.FromSeconds(60))).IsWritten);
            Assert.InRange(pool.Most, Parallelism * Part, Held * Part);

            // A shared pool may keep what comes back for the thread that gave it, and lend the next thread another one.
            Assert.InRange(pool.TimesLent(Part), Parallelism, Held);
        }

        Assert.Equal(0, pool.Lent);
        await server.RemovePlaceAsync(place);
    }
}

[Collection(nameof(CephServer))]
public sealed class CephPartsInFlightTests(CephServer server) : PartsInFlightTests(server);

[Collection(nameof(StrataS3Server))]
public sealed class StrataPartsInFlightTests(StrataS3Server server) : PartsInFlightTests(server);

[Collection(nameof(AzuriteServer))]
public sealed class AzuritePartsInFlightTests(AzuriteServer server) : PartsInFlightTests(server);
