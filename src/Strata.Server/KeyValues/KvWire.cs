using System.Buffers.Binary;
using System.Globalization;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Strata.KvConnect;
using Wire = Strata.KvConnect.Messages;

namespace Strata.Server;

/// <summary>The data path of KV Connect: reads, writes and watches of a database by the protocol's messages.</summary>
internal sealed class KvWire(KvCalls calls)
{
    /// <summary>
    /// The longest answer to a read, bytes of keys and values; what is asked for may be ten times as much, and is in memory as
    /// long as the answer is on its way. A list of 1,000 entries always fits.
    /// </summary>
    private const long MaxAnswerBytes = 128 << 20;

    private static readonly TimeSpan PingEvery = TimeSpan.FromSeconds(5);
    private static readonly byte[] Ping = new byte[Protocol.FrameBytes];
    private int _watches;

    public Task ReadAsync(HttpContext http) => RunAsync(http, async name =>
    {
        if (await calls.TryReadAsync(http, KvRequests.MaxReadBytes(calls.Limits)) is not { } body) return;
        ReadRange[] ranges = KvRequests.ReadRanges(body, calls.Limits);
        IKvDatabase database = await calls.OpenAsync(name, http.RequestAborted);
        IReadOnlyList<KvRange> found = await database.SnapshotReadAsync(ranges, null, http.RequestAborted);
        long bytes = found.Sum(r => r.Entries.Sum(e => (long)e.Key.Length + e.Value.Data.Length));
        if (bytes > MaxAnswerBytes) throw new StorageException(StorageErrorKind.TooLarge, $"The answer has {bytes} bytes, and at most {MaxAnswerBytes} are sent at once: ask for fewer entries.");
        await AnswerAsync(http, WireForm.Of(found));
    });

    public Task WriteAsync(HttpContext http) => RunAsync(http, async name =>
    {
        if (await calls.TryReadAsync(http, KvRequests.MaxWriteBytes(calls.Limits)) is not { } body) return;
        AtomicWrite write = KvRequests.ReadWrite(body, calls.Limits);
        IKvDatabase database = await calls.OpenAsync(name, http.RequestAborted);

        // Once begun it is carried through: a client that hangs up has not undone it.
        CommitResult result = await database.AtomicWriteAsync(write, CancellationToken.None);
        await AnswerAsync(http, WireForm.Of(result));
    });

    public Task WatchAsync(HttpContext http) => RunAsync(http, async name =>
    {
        if (await calls.TryReadAsync(http, KvRequests.MaxWatchBytes(calls.Limits)) is not { } body) return;
        ReadOnlyMemory<byte>[] keys = KvRequests.ReadKeys(body, calls.Limits);
        IKvDatabase database = await calls.OpenAsync(name, http.RequestAborted);
        try
        {
            if (Interlocked.Increment(ref _watches) > calls.MaxWatches) throw new StorageException(StorageErrorKind.Unavailable, $"There are {calls.MaxWatches} watches already, as many as this server has at once.") { IsTransient = true };
            await WatchAsync(http, database, keys);
        }
        finally
        {
            Interlocked.Decrement(ref _watches);
        }
    });

    private async Task WatchAsync(HttpContext http, IKvDatabase database, ReadOnlyMemory<byte>[] keys)
    {
        http.Response.ContentType = Protocol.WatchType;
        http.Response.Headers.CacheControl = "no-store";
        http.Features.Get<IHttpMinResponseDataRateFeature>()?.MinDataRate = null;
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, calls.Stopping);
        IAsyncEnumerator<WatchUpdate> updates = database.WatchAsync(keys, ends.Token).GetAsyncEnumerator(ends.Token);
        Task<bool>? next = null;
        try
        {
            await http.Response.StartAsync(ends.Token);
            while (true)
            {
                next ??= updates.MoveNextAsync().AsTask();
                try
                {
                    if (!await next.WaitAsync(PingEvery, calls.Clock, ends.Token)) return;
                    next = null;
                    await http.Response.Body.WriteAsync(FrameOf(updates.Current), ends.Token);
                }
                catch (TimeoutException)
                {
                    await http.Response.Body.WriteAsync(Ping, ends.Token);
                }

                await http.Response.Body.FlushAsync(ends.Token);
            }
        }
        catch (OperationCanceledException) when (ends.IsCancellationRequested)
        {
            // The client has gone, or the server stops: then the answer ends whole, and the client connects again.
        }
        finally
        {
            await ends.CancelAsync();
            if (next is not null) await next.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            await updates.DisposeAsync();
        }
    }

    private static async Task AnswerAsync(HttpContext http, IMessage message)
    {
        http.Response.ContentType = Protocol.MessageType;
        http.Response.Headers.CacheControl = "no-store";
        byte[] body = message.ToByteArray();
        http.Response.ContentLength = body.Length;
        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }

    private static byte[] FrameOf(WatchUpdate update)
    {
        var message = new Wire.WatchOutput { Status = Wire.SnapshotReadStatus.SrSuccess };

        // Deno takes a key that is not marked as changed for one that was deleted: all are sent, always.
        foreach (KvEntry? entry in update.Entries) message.Keys.Add(new Wire.WatchKeyOutput { Changed = true, EntryIfChanged = entry is null ? null : WireForm.Of(entry) });
        byte[] frame = new byte[Protocol.FrameBytes + message.CalculateSize()];
        BinaryPrimitives.WriteInt32LittleEndian(frame, frame.Length - Protocol.FrameBytes);
        message.WriteTo(frame.AsSpan(Protocol.FrameBytes));
        return frame;
    }

    private Task RunAsync(HttpContext http, Func<string, Task> handler) => calls.RunAsync(http, name =>
    {
        RequireAgreement(http.Request, name);
        return handler(name);
    });

    /// <summary>What a client says of the version and the database must be what it was told.</summary>
    private static void RequireAgreement(HttpRequest request, string name)
    {
        string id = KvEndpoints.IdOf(name).ToString();
        if (request.Headers[Protocol.VersionHeader] is [{ } version])
        {
            if (!int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number is < 2 or > Protocol.HighestVersion) throw new FormatException($"The version {version} of KV Connect is not known here; {Protocol.LowestVersion} to {Protocol.HighestVersion} are.");
            if (request.Headers[Protocol.DatabaseHeader] != id) throw new FormatException($"The header {Protocol.DatabaseHeader} does not name this database.");
        }
        else if (request.Headers[Protocol.DomainHeader] != id)
        {
            throw new FormatException($"One of the headers {Protocol.VersionHeader} and {Protocol.DomainHeader} is missing, or names another database.");
        }
    }
}
