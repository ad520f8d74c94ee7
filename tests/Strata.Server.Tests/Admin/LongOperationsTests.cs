using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Strata.Testing;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>An operation that takes its time tells how far it is, ends with what it came to, and never outlives who asked for it.</summary>
public sealed class LongOperationsTests : IDisposable
{
    private readonly CancellationTokenSource _gone = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly FakeClock _clock = new();
    private readonly MemoryStream _body = new();
    private readonly DefaultHttpContext _http;
    private readonly LongOperations _operations;

    public LongOperationsTests()
    {
        _http = new DefaultHttpContext { RequestAborted = _gone.Token };
        _http.Features.Set<IHttpResponseFeature>(new StartedByWriting(_body));
        _http.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(_body));
        _operations = new LongOperations(_clock, _stopping.Token);
    }

    private JsonElement[] Lines => [.. Encoding.UTF8.GetString(_body.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)];

    public void Dispose()
    {
        _gone.Dispose();
        _stopping.Dispose();
    }

    [Fact]
    public async Task The_newest_progress_comes_and_the_result_is_the_last_line()
    {
        var end = new TaskCompletionSource<ClearTierResult>();
        IProgress<UpkeepProgress>? progress = null;
        Task answer = AnswerAsync((p, _) =>
        {
            progress = p;
            return new(end.Task);
        });
        for (int i = 1; i <= 1000; i++) progress!.Report(new UpkeepProgress(i, 0, 0, null));
        await BeatAsync();
        await Eventually.HoldsAsync(() => _body.ToArray() is [.., (byte)'\n'], "no progress was told");
        Assert.Equal(1000, Assert.Single(Lines).GetProperty("progress").GetProperty("examined").GetInt64());

        end.SetResult(new ClearTierResult { Copies = 7 });
        await answer;
        Assert.Equal(2, Lines.Length);
        Assert.Equal(7, Lines[1].GetProperty("result").GetProperty("copies").GetInt64());
        Assert.Equal(LongOperations.ContentType, _http.Response.ContentType);
    }

    [Fact]
    public async Task A_request_that_is_wrong_is_refused_before_anything_is_answered()
    {
        await Assert.ThrowsAsync<ArgumentException>(() => AnswerAsync((_, _) => throw new ArgumentException("no such tier")));
        Assert.Empty(Lines);
    }

    [Fact]
    public async Task A_failure_on_the_way_is_the_last_line()
    {
        var end = new TaskCompletionSource<ClearTierResult>();
        Task answer = AnswerAsync((p, _) =>
        {
            p.Report(new UpkeepProgress(1, 0, 0, null));
            return new(end.Task);
        });
        await BeatAsync();
        await Eventually.HoldsAsync(() => _body.ToArray() is [.., (byte)'\n'], "no progress was told");
        end.SetException(new StorageException(StorageErrorKind.Corrupt, "the disk is damaged"));
        await answer;

        JsonElement error = Lines[^1].GetProperty("error");
        Assert.Equal(("Corrupt", "the disk is damaged"), (error.GetProperty("kind").GetString(), error.GetProperty("message").GetString()));
    }

    [Fact]
    public async Task It_ends_when_its_client_leaves_and_nothing_goes_on_behind()
    {
        var told = new TaskCompletionSource();
        bool isEnded = false;
        Task answer = AnswerAsync(async (_, token) =>
        {
            await Task.WhenAny(Task.Delay(Timeout.Infinite, token));
            await told.Task;
            isEnded = true;
            throw new OperationCanceledException(token);
        });
        await _gone.CancelAsync();
        Assert.False(answer.IsCompleted, "The answer has ended before the operation has.");
        told.SetResult();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
        Assert.True(isEnded);
    }

    [Fact]
    public async Task It_ends_when_the_server_stops_and_its_client_is_told()
    {
        Task answer = AnswerAsync(async (p, token) =>
        {
            p.Report(new UpkeepProgress(1, 0, 0, null));
            await Task.Delay(Timeout.Infinite, token);
            return new ClearTierResult();
        });
        await BeatAsync();
        await Eventually.HoldsAsync(() => _body.ToArray() is [.., (byte)'\n'], "no progress was told");
        await _stopping.CancelAsync();
        await answer;
        Assert.Equal("Unavailable", Lines[^1].GetProperty("error").GetProperty("kind").GetString());
    }

    [Fact]
    public async Task It_ends_when_its_client_loses_the_right_to_ask_for_it()
    {
        bool mayGoOn = true;
        _http.Features.Set(new RequestAccess(AccessPrincipal.Owner, StillHolds: () => mayGoOn));
        Task answer = AnswerAsync(async (p, token) =>
        {
            p.Report(new UpkeepProgress(1, 0, 0, null));
            await Task.Delay(Timeout.Infinite, token);
            return new ClearTierResult();
        });
        await BeatAsync();
        await Eventually.HoldsAsync(() => _body.ToArray() is [.., (byte)'\n'], "no progress was told");
        mayGoOn = false;
        await BeatAsync();
        await answer;
        Assert.Contains("right", Lines[^1].GetProperty("error").GetProperty("message").GetString());
    }

    /// <summary>Lets the time pass after which progress is told.</summary>
    private async Task BeatAsync()
    {
        await _clock.WaitForTimerAsync(LongOperations.Every);
        _clock.Advance(LongOperations.Every);
    }

    private Task AnswerAsync(LongOperations.Operation<UpkeepProgress, ClearTierResult> operation) =>
        _operations.AnswerAsync(_http, TieringJson.Context.OperationLineUpkeepProgressClearTierResult, operation);

    /// <summary>A response counts as begun once bytes of it have gone out, as a real one does.</summary>
    private sealed class StartedByWriting(Stream body) : HttpResponseFeature
    {
        public override bool HasStarted => body.Length > 0;
    }
}
