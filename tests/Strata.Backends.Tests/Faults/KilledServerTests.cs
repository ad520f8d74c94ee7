using System.Diagnostics;
using Strata.Tests;
using Strata.Workload;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>
/// kill -9 of the server in the middle of transfers: what is under way goes on when the server is back in time, and ends with the
/// documented error when it is not; nothing that was acknowledged is lost, and no part of a blob is seen.
/// </summary>
public abstract class KilledServerTests(IKillableServer server) : IAsyncLifetime
{
    /// <summary>A kill, a restart, and the pauses of a patient store between.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>All attempts of a hasty store: three of at most a second, for the change, the looks behind it and the abort.</summary>
    private static readonly TimeSpan HastyLimit = TimeSpan.FromSeconds(20);

    private static readonly BlobKey Key = BlobKey.Parse("dir/blob");
    private static readonly RemoteSettings Patient = new() { MaxAttempts = 20, RetryDelay = TimeSpan.FromMilliseconds(50), ProgressTimeout = TimeSpan.FromSeconds(10), ServerWorkTimeout = TimeSpan.FromSeconds(20) };
    private static readonly byte[] Large = Bytes(24 << 20);
    private readonly WarningCounter _warnings = new();
    private string _place = "";
    private TcpProxy _proxy = null!;
    private IBlobStore _patient = null!, _hasty = null!, _direct = null!;

    public async ValueTask InitializeAsync()
    {
        _place = await server.CreatePlaceAsync();
        _proxy = new TcpProxy(server.Endpoint);
        _direct = await server.OpenAsync(_place, Patient);
        _patient = await server.OpenAsync(_place, Patient with { Proxy = _proxy.Address });
        _hasty = await server.OpenAsync(_place, new RemoteSettings { Proxy = _proxy.Address, MaxAttempts = 3, Context = new StoreContext { Loggers = _warnings } });
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (IBlobStore store in (IBlobStore[])[_hasty, _patient, _direct]) await store.DisposeAsync();
        await _proxy.DisposeAsync();
        await server.RemovePlaceAsync(_place);
        _warnings.Dispose();
    }

    [Fact]
    public async Task An_upload_goes_on_when_the_server_is_back()
    {
        await _direct.PutBytesAsync(Key, Bytes(10));
        await server.SavedAsync();
        bool isSeen = true;
        AtPart(3, async () =>
        {
            await server.KillAsync();
            await server.ReviveAsync();
            isSeen = (await _direct.GetBytesAsync(Key))?.Length != 10;
        });
        Assert.True((await _patient.WriteAsync(Key, BlobContent.From(Large)).AsTask().WaitAsync(Limit)).IsWritten);
        Assert.False(isSeen, "the upload was seen, or what it replaces was gone, before its end");
        Assert.Equal(Large, await _direct.GetBytesAsync(Key));
        Assert.Equal(0, await server.UnfinishedAsync(_place));
    }

    [Fact]
    public async Task An_upload_to_a_server_that_stays_away_is_given_up_and_nothing_of_it_is_seen()
    {
        await _direct.PutBytesAsync(Key, Bytes(10));
        await server.SavedAsync();
        AtPart(3, server.KillAsync);
        try
        {
            var time = Stopwatch.StartNew();
            StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await _hasty.WriteAsync(Key, BlobContent.From(Large))).WaitAsync(Limit);
            Assert.InRange(time.Elapsed, TimeSpan.Zero, HastyLimit);
            Assert.Equal((StorageErrorKind.Unavailable, true, WriteOutcome.NotApplied), (error.Kind, error.IsTransient, error.Outcome));
        }
        finally
        {
            await server.ReviveAsync();
        }

        Assert.Equal(Bytes(10), await _direct.GetBytesAsync(Key));
        Assert.Equal([Key], (await _direct.ListPageAsync(new ListRequest())).Items.Select(i => i.Key));

        // Nobody was there to be told of the end: what stays is said, and a later sweep takes it.
        Assert.Equal(await server.UnfinishedAsync(_place), _warnings.Warnings);
        await using IBlobStore later = await server.OpenAsync(_place, Patient with { Context = new StoreContext { Clock = new LateClock(TimeSpan.FromDays(-2)) } });
        Assert.True(later.TryGetFacet(out IBlobSweep? sweep));
        await sweep.SweepAsync();
        Assert.Equal(0, await server.UnfinishedAsync(_place));
        Assert.Equal(Bytes(10), await _direct.GetBytesAsync(Key));
    }

    [Fact]
    public async Task A_download_goes_on_when_the_server_is_back()
    {
        await _direct.PutBytesAsync(Key, Large);
        await server.SavedAsync();
        await using BlobReadResult? read = await _patient.ReadAsync(Key);
        await using Stream stream = read!.OpenStream();
        byte[] bytes = new byte[Large.Length];
        await stream.ReadExactlyAsync(bytes.AsMemory(0, 1 << 20));
        await server.KillAsync();
        Task restart = server.ReviveAsync();
        await stream.ReadExactlyAsync(bytes.AsMemory(1 << 20)).AsTask().WaitAsync(Limit);
        await restart;
        Assert.True(bytes.AsSpan().SequenceEqual(Large), "other bytes than were written");
    }

    [Fact]
    public async Task A_download_from_a_server_that_stays_away_ends_with_an_error()
    {
        await _direct.PutBytesAsync(Key, Large);
        await server.SavedAsync();
        await using BlobReadResult? read = await _hasty.ReadAsync(Key);
        await using Stream stream = read!.OpenStream();
        await stream.ReadExactlyAsync(new byte[1 << 20]);
        await server.KillAsync();
        try
        {
            var time = Stopwatch.StartNew();
            StorageException error = await Assert.ThrowsAsync<StorageException>(() => stream.CopyToAsync(Stream.Null)).WaitAsync(Limit);
            Assert.InRange(time.Elapsed, TimeSpan.Zero, HastyLimit);
            Assert.Equal((StorageErrorKind.Unavailable, true, WriteOutcome.NotApplied), (error.Kind, error.IsTransient, error.Outcome));
        }
        finally
        {
            await server.ReviveAsync();
        }

        Assert.True((await _direct.GetBytesAsync(Key)).AsSpan().SequenceEqual(Large), "what was acknowledged was lost");
    }

    /// <summary>Something happens before the part with this number reaches the server, once.</summary>
    private void AtPart(int number, Func<Task> what)
    {
        int parts = 0;
        _proxy.Plan = async line =>
        {
            if (server.IsPart(line) && Interlocked.Increment(ref parts) == number) await what();
            return null;
        };
    }

    private static byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        new Random(1).NextBytes(bytes);
        return bytes;
    }
}

[Collection(nameof(CephServer))]
public sealed class CephKilledServerTests(CephServer server) : KilledServerTests(server);

public sealed class StrataKilledServerTests(ServedStrata server) : KilledServerTests(server), IClassFixture<ServedStrata>;

public sealed class AzuriteKilledServerTests(AzuriteOnDisk server) : KilledServerTests(server), IClassFixture<AzuriteOnDisk>;
