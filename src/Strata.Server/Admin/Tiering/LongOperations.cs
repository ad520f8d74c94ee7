using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Strata.Server;

/// <summary>
/// Answers a request with an operation that takes its time, in lines of JSON (<see cref="OperationLine{TProgress, TResult}"/>). The
/// operation ends when its client leaves, loses the right to ask for it, or the server stops.
/// </summary>
/// <remarks>Of its progress a client that reads slowly gets the newest; nothing is queued for it.</remarks>
internal sealed class LongOperations(TimeProvider clock, CancellationToken stopping)
{
    /// <summary>What lines of JSON are called on the wire.</summary>
    public const string ContentType = "application/jsonl";

    /// <summary>How long after the last report a newer one is told.</summary>
    internal static readonly TimeSpan Every = TimeSpan.FromMilliseconds(250);

    public delegate ValueTask<TResult> Operation<TProgress, TResult>(IProgress<TProgress> progress, CancellationToken cancellationToken)
        where TProgress : struct;

    /// <summary>Runs the operation. What is wrong with the request itself is thrown before anything is answered.</summary>
    public async Task AnswerAsync<TProgress, TResult>(HttpContext http, JsonTypeInfo<OperationLine<TProgress, TResult>> type, Operation<TProgress, TResult> operation)
        where TProgress : struct
        where TResult : class
    {
        var latest = new Latest<TProgress>();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
        Task<TResult> work = operation(latest, ending.Token).AsTask();
        try
        {
            await TellAsync(http, type, latest, work, ending);
            await WriteAsync(http, new OperationLine<TProgress, TResult>(Result: await work), type);
        }
        catch (Exception e) when (http.Response.HasStarted && !http.RequestAborted.IsCancellationRequested)
        {
            await WriteAsync(http, new OperationLine<TProgress, TResult>(Error: ErrorOf(e)), type);
        }
        catch (OperationCanceledException) when (!http.RequestAborted.IsCancellationRequested)
        {
            throw Stopped();
        }
        finally
        {
            // Nothing of it goes on behind an answer that has ended.
            await ending.CancelAsync();
            await work.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    /// <summary>Runs an operation that writes its own answer.</summary>
    public async Task StreamAsync(HttpContext http, Func<CancellationToken, Task> operation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
        try
        {
            await operation(ending.Token);
        }
        catch (OperationCanceledException) when (!http.RequestAborted.IsCancellationRequested)
        {
            throw Stopped();
        }
    }

    private async Task TellAsync<TProgress, TResult>(
        HttpContext http, JsonTypeInfo<OperationLine<TProgress, TResult>> type, Latest<TProgress> latest, Task<TResult> work, CancellationTokenSource ending)
        where TProgress : struct
        where TResult : class
    {
        Func<bool>? isAllowed = http.Features.Get<RequestAccess>()?.StillHolds;
        while (true)
        {
            await Task.WhenAny(work, Task.Delay(Every, clock, ending.Token));
            if (work.IsCompleted) return;
            if (isAllowed?.Invoke() == false) await ending.CancelAsync();
            if (ending.IsCancellationRequested) await work;
            else if (latest.Take() is { } progress) await WriteAsync(http, new OperationLine<TProgress, TResult>(progress), type);
        }
    }

    private static async ValueTask WriteAsync<T>(HttpContext http, T line, JsonTypeInfo<T> type)
    {
        if (!http.Response.HasStarted)
        {
            http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
            http.Response.ContentType = ContentType;
        }

        await http.Response.BodyWriter.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(line, type), http.RequestAborted);
        await http.Response.BodyWriter.WriteAsync("\n"u8.ToArray(), http.RequestAborted);
    }

    private static ErrorWire ErrorOf(Exception e) => e switch
    {
        StorageException storage => ErrorWire.From(storage),
        ArgumentException or JsonException => new ErrorWire(ErrorWire.Argument, WriteOutcome.NotApplied, BlobEndpoints.TextOf(e)),
        OperationCanceledException => ErrorWire.From(Stopped()),
        BadHttpRequestException => new ErrorWire(nameof(StorageErrorKind.LengthMismatch), WriteOutcome.NotApplied, $"The body broke off: {e.Message}"),
        _ => new ErrorWire(nameof(StorageErrorKind.Unavailable), WriteOutcome.Unknown, "It failed unexpectedly; the server's log says why."),
    };

    private static StorageException Stopped() =>
        new(StorageErrorKind.Unavailable, "The server is stopping, or the right to ask for this was taken away: it was given up. What was done until then stays.") { Outcome = WriteOutcome.Unknown, IsTransient = true };

    /// <summary>The newest report that nobody has taken.</summary>
    private sealed class Latest<T> : IProgress<T>
        where T : struct
    {
        private readonly Lock _gate = new();
        private T? _value;

        public void Report(T value)
        {
            lock (_gate) _value = value;
        }

        public T? Take()
        {
            lock (_gate)
            {
                T? taken = _value;
                _value = null;
                return taken;
            }
        }
    }
}
