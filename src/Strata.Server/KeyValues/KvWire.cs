using System.Buffers.Binary;
using System.Globalization;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Strata.KvConnect;
using Wire = Strata.KvConnect.Messages;

namespace Strata.Server;

/// <summary>The data path of KV Connect: reads, writes and watches of a database by the protocol's messages.</summary>
/// <remarks>
/// A client tries again without end what was answered with 5xx or cut off, so a 5xx says that nothing was applied. What may
/// have been applied is answered with 409, which is final: a sum must not be applied twice.
/// </remarks>
internal sealed class KvWire(KvCatalog databases, KvLimits limits, TimeProvider clock, CancellationToken stopping)
{
    private static readonly TimeSpan PingEvery = TimeSpan.FromSeconds(5);
    private static readonly byte[] Ping = new byte[Protocol.FrameBytes];

    /// <summary>Bytes of a request besides keys and values: the tags and lengths of its messages.</summary>
    private const int Overhead = 1 << 20;

    public Task ReadAsync(HttpContext http) => RunAsync(http, async database =>
    {
        if (await TryReadAsync(http, limits.MaxRanges * ((2 * limits.MaxKeyBytes) + 64)) is not { } body) return;
        ReadRange[] ranges = WireForm.Of(Wire.SnapshotRead.Parser.ParseFrom(body.Span));
        limits.Check(ranges);
        await AnswerAsync(http, WireForm.Of(await database.SnapshotReadAsync(ranges, null, http.RequestAborted)));
    });

    public Task WriteAsync(HttpContext http) => RunAsync(http, async database =>
    {
        if (await TryReadAsync(http, limits.MaxWriteBytes + Overhead) is not { } body) return;
        AtomicWrite write = WireForm.Of(Wire.AtomicWrite.Parser.ParseFrom(body.Span));
        limits.Check(write);
        if (limits == KvLimits.Deno) RefuseReserved(write);

        // Once begun it is carried through: a client that hangs up has not undone it.
        CommitResult result = await database.AtomicWriteAsync(write, CancellationToken.None);
        await AnswerAsync(http, WireForm.Of(result));
    });

    public Task WatchAsync(HttpContext http) => RunAsync(http, async database =>
    {
        if (await TryReadAsync(http, limits.MaxWatchedKeys * (limits.MaxKeyBytes + 16)) is not { } body) return;
        ReadOnlyMemory<byte>[] keys = [.. Wire.Watch.Parser.ParseFrom(body.Span).Keys.Select(k => k.Key.Memory)];
        limits.Check(keys);
        http.Response.ContentType = Protocol.WatchType;
        http.Features.Get<IHttpMinResponseDataRateFeature>()?.MinDataRate = null;
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
        await http.Response.StartAsync(ends.Token);
        IAsyncEnumerator<WatchUpdate> updates = database.WatchAsync(keys, ends.Token).GetAsyncEnumerator(ends.Token);
        Task<bool>? next = null;
        try
        {
            while (true)
            {
                next ??= updates.MoveNextAsync().AsTask();
                try
                {
                    if (!await next.WaitAsync(PingEvery, clock, ends.Token)) return;
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
            // The client has gone, or the server stops: the client connects again.
        }
        finally
        {
            await ends.CancelAsync();
            if (next is not null) await next.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            await updates.DisposeAsync();
        }
    });

    /// <summary>Reads a request's body.</summary>
    /// <returns>Null: it is longer, and the client has been told.</returns>
    public static async Task<ReadOnlyMemory<byte>?> TryReadAsync(HttpContext http, int most)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = most;
        if (http.Request.ContentLength > most)
        {
            await RefuseAsync(http, StatusCodes.Status413PayloadTooLarge, $"The request has {http.Request.ContentLength} bytes; at most {most} are taken.");
            return null;
        }

        try
        {
            using var body = new MemoryStream((int)(http.Request.ContentLength ?? 0));
            await http.Request.Body.CopyToAsync(body, http.RequestAborted);
            return body.GetBuffer().AsMemory(0, (int)body.Length);
        }
        catch (BadHttpRequestException e)
        {
            await RefuseAsync(http, e.StatusCode, e.Message);
            return null;
        }
    }

    /// <summary>Answers with a plain text.</summary>
    public static Task RefuseAsync(HttpContext http, int status, string message)
    {
        if (http.Response.HasStarted)
        {
            http.Abort();
            return Task.CompletedTask;
        }

        http.Response.Clear();
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        http.Response.Headers.CacheControl = "no-store";
        return http.Response.WriteAsync(message, http.RequestAborted);
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

    private static void RefuseReserved(AtomicWrite write)
    {
        if (write.Mutations.Any(m => m.Key.Span[0] == 0xFF)) throw new ArgumentException("Keys that begin with FF are Strata's own: no tuple is encoded so.");
    }

    private async Task RunAsync(HttpContext http, Func<IKvDatabase, Task> handler)
    {
        try
        {
            string name = (string)http.Request.RouteValues["name"]!;
            if (!KvCatalog.IsName(name))
            {
                await RefuseAsync(http, StatusCodes.Status404NotFound, $"No database can be called '{name}'.");
                return;
            }

            if (FaultOf(http.Request, name) is { } fault)
            {
                await RefuseAsync(http, StatusCodes.Status400BadRequest, fault);
                return;
            }

            await handler(await databases.OpenAsync(name, http.RequestAborted));
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidProtocolBufferException)
        {
            await RefuseAsync(http, StatusCodes.Status400BadRequest, e is InvalidProtocolBufferException ? "The body is no message of the protocol." : e.Message);
        }
        catch (StorageException e)
        {
            int status = e.Outcome == WriteOutcome.Unknown ? StatusCodes.Status409Conflict
                : e.Kind is StorageErrorKind.Full ? StatusCodes.Status507InsufficientStorage
                : StatusCodes.Status503ServiceUnavailable;
            await RefuseAsync(http, status, e.Message);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to be answered.
        }
    }

    /// <summary>What a client says of the version and the database must be what it was told.</summary>
    private static string? FaultOf(HttpRequest request, string name)
    {
        string id = KvEndpoints.IdOf(name).ToString();
        if (request.Headers[Protocol.VersionHeader] is [{ } version])
        {
            if (!int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number is < 2 or > Protocol.HighestVersion) return $"The version {version} of KV Connect is not known here; 1 to 3 are.";
            return request.Headers[Protocol.DatabaseHeader] == id ? null : $"The header {Protocol.DatabaseHeader} does not name this database.";
        }

        return request.Headers[Protocol.DomainHeader] == id ? null : $"One of the headers {Protocol.VersionHeader} and {Protocol.DomainHeader} is missing, or names another database.";
    }
}
