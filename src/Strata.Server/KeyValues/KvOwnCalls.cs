using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>
/// What Strata has beyond KV Connect, for any program that speaks HTTP: counts, deletes of ranges, and queues, whose messages
/// are taken for a lease, kept, and ended by a receipt. JSON both ways; failures are those of <see cref="KvCalls"/>.
/// </summary>
/// <remarks>docs/guides/kv.md has each call.</remarks>
internal sealed class KvOwnCalls(KvCalls calls)
{
    /// <summary>A value's JSON may be longer than what it becomes.</summary>
    private const int MaxMessageBytes = 256 << 10;

    private const string Plain = "application/octet-stream";

    private static readonly TimeSpan StandardLease = TimeSpan.FromSeconds(30), ShortestLease = TimeSpan.FromSeconds(1), LongestLease = TimeSpan.FromHours(1);
    private static readonly TimeSpan LongestPoll = TimeSpan.FromMinutes(1), LongestDelay = TimeSpan.FromDays(3_650);

    /// <summary>How many entries a range has.</summary>
    public Task CountAsync(HttpContext http) => calls.RunAsync(http, async name =>
    {
        KvSelector selector = new KvQuery(http.Request, "prefix", "start", "end").Selector();
        long count = await new Kv(await calls.OpenAsync(name, http.RequestAborted)).CountAsync(selector, http.RequestAborted);
        await AnswerAsync(http, json => json.WriteNumber("count", count));
    });

    /// <summary>Removes the entries of a range, batch by batch.</summary>
    public Task DeleteAsync(HttpContext http) => calls.RunAsync(http, async name =>
    {
        var query = new KvQuery(http.Request, "prefix", "start", "end");
        query.Required("prefix");
        KvSelector selector = query.Selector();
        long count = await new Kv(await calls.OpenAsync(name, http.RequestAborted)).DeleteRangeAsync(selector, null, http.RequestAborted);
        await AnswerAsync(http, json => json.WriteNumber("count", count));
    });

    /// <summary>Puts a message into a queue.</summary>
    public Task EnqueueAsync(HttpContext http) => calls.RunAsync(http, async name =>
    {
        var query = new KvQuery(http.Request, "queue", "delay", "backoff", "undelivered");
        var options = new EnqueueOptions { Delay = query.Time("delay", TimeSpan.Zero, TimeSpan.Zero, LongestDelay) };
        if (query.Times("backoff") is { } backoff) options = options with { Backoff = backoff };
        if (query.Key("undelivered") is { } key) options = options with { KeysIfUndelivered = [key.Encoded] };
        if (await calls.TryReadAsync(http, MaxMessageBytes) is not { } body) return;
        KvValue value = http.Request.ContentType == Plain ? KvValue.OfBytes(body) : new KvValue(V8Json.Read(body).ToBytes(), KvEncoding.V8);
        KvQueue queue = await QueueAsync(http, name, query);

        // Once begun it is carried through: a client that hangs up has not undone it.
        CommitResult result = await queue.EnqueueAsync(value, options, CancellationToken.None);
        await AnswerAsync(http, json => json.WriteString("versionstamp", result.Versionstamp.ToString()));
    });

    /// <summary>What a queue holds.</summary>
    public Task TellAsync(HttpContext http) => calls.RunAsync(http, async name =>
    {
        KvQueue queue = await QueueAsync(http, name, new KvQuery(http.Request, "queue"));
        QueueStatus status = await queue.GetStatusAsync(http.RequestAborted);
        await AnswerAsync(http, json =>
        {
            json.WriteNumber("pending", status.Pending);
            json.WriteNumber("due", status.Due);
            json.WriteNumber("deadLetters", status.DeadLetters);
            if (status.OldestDue is { } oldest) json.WriteString("oldestDue", oldest);
        });
    });

    /// <summary>Takes messages, and waits for the first.</summary>
    public Task TakeAsync(HttpContext http) => calls.RunAsync(http, async name =>
    {
        var query = new KvQuery(http.Request, "queue", "max", "lease", "wait");
        int most = query.Count("max", 1, 1, 100);
        TimeSpan lease = LeaseOf(query), wait = query.Time("wait", TimeSpan.Zero, TimeSpan.Zero, LongestPoll);
        KvQueue queue = await QueueAsync(http, name, query);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, calls.Stopping);
        IReadOnlyList<QueueDelivery> taken = await queue.Leases.TakeAsync(most, lease, wait, ends.Token);
        if (http.RequestAborted.IsCancellationRequested)
        {
            // Else they would wait for the end of their leases, each with an attempt less.
            foreach (QueueDelivery delivery in taken) await queue.Leases.SendBackAsync(QueueReceipt.Of(delivery));
            return;
        }

        await AnswerAsync(http, json =>
        {
            json.WriteStartArray("messages");
            foreach (QueueDelivery delivery in taken) Write(json, queue, delivery);
            json.WriteEndArray();
        });
    });

    /// <summary>Ends a message: it has been handled.</summary>
    public Task EndAsync(HttpContext http) => calls.RunAsync(http, async name =>
    {
        var query = new KvQuery(http.Request, "queue", "receipt");
        KvQueue queue = await QueueAsync(http, name, query);
        await AnswerAsync(http, await queue.Leases.AcknowledgeAsync(queue.ReceiptOf(query.Required("receipt"))));
    });

    /// <summary>Keeps a message for another lease.</summary>
    public Task KeepAsync(HttpContext http) => calls.RunAsync(http, async name =>
    {
        var query = new KvQuery(http.Request, "queue", "receipt", "lease");
        TimeSpan lease = LeaseOf(query);
        KvQueue queue = await QueueAsync(http, name, query);
        if (await queue.Leases.RenewAsync(queue.ReceiptOf(query.Required("receipt")), lease) is not { } kept)
        {
            await AnswerAsync(http, holds: false);
            return;
        }

        await AnswerAsync(http, json =>
        {
            json.WriteString("receipt", queue.TextOf(kept.Receipt));
            json.WriteString("leaseEnds", kept.LeaseEnds);
        });
    });

    /// <summary>Tells that the handler of a message failed.</summary>
    public Task FailAsync(HttpContext http) => calls.RunAsync(http, async name =>
    {
        var query = new KvQuery(http.Request, "queue", "receipt", "error");
        KvQueue queue = await QueueAsync(http, name, query);
        await AnswerAsync(http, await queue.Leases.FailAsync(queue.ReceiptOf(query.Required("receipt")), query.Text("error") ?? "The handler told no error."));
    });

    private static TimeSpan LeaseOf(KvQuery query) => query.Time("lease", StandardLease, ShortestLease, LongestLease);

    private async Task<KvQueue> QueueAsync(HttpContext http, string name, KvQuery query) =>
        new(await calls.OpenAsync(name, http.RequestAborted), query.Text("queue") ?? "", calls.Context);

    private static void Write(Utf8JsonWriter json, KvQueue queue, QueueDelivery delivery)
    {
        QueueMessage message = delivery.Message;
        json.WriteStartObject();
        json.WriteString("id", message.Id);
        json.WriteString("receipt", queue.TextOf(QueueReceipt.Of(delivery)));
        json.WriteNumber("attempt", message.Attempt);
        json.WriteString("enqueued", message.Enqueued);
        json.WriteString("leaseEnds", delivery.LeaseEnds);
        if (message.Value.Encoding == KvEncoding.V8 && V8Value.TryRead(message.Value.Data, out V8Value? value) && V8Json.TryWrite(value) is { } text)
        {
            json.WritePropertyName("value");
            json.WriteRawValue(text.Span);
        }
        else
        {
            json.WriteString("encoding", message.Value.Encoding.ToString());
            json.WriteBase64String("data", message.Value.Data.Span);
        }

        json.WriteEndObject();
    }

    private static Task AnswerAsync(HttpContext http, bool holds) => holds
        ? AnswerAsync(http, json => json.WriteBoolean("done", true))
        : KvCalls.RefuseAsync(http, StatusCodes.Status410Gone, "This receipt is worth nothing any more: the message was ended or kept by it, or its lease ended and somebody else has it.");

    private static async Task AnswerAsync(HttpContext http, Action<Utf8JsonWriter> write)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        http.Response.ContentType = "application/json";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.ContentLength = body.WrittenCount;
        await http.Response.Body.WriteAsync(body.WrittenMemory, http.RequestAborted);
    }
}
