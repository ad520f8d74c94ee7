using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace Strata.Server.Tests;

/// <summary>
/// The requests that reached a server: noted before it looks at them, so that a client that has ended has nothing more to
/// come, and marked as answered at their end.
/// </summary>
internal sealed class RequestLog : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
{
    private const string Started = "Microsoft.AspNetCore.Hosting.HttpRequestIn.Start";
    private const string Stopped = "Microsoft.AspNetCore.Hosting.HttpRequestIn.Stop";
    private readonly ConcurrentQueue<LoggedRequest> _requests = [];
    private readonly List<IDisposable> _subscriptions = [];
    private readonly int _port;

    public RequestLog(int port)
    {
        _port = port;
        _subscriptions.Add(DiagnosticListener.AllListeners.Subscribe(this));
    }

    /// <summary>Everything so far, in order of arrival.</summary>
    public IReadOnlyList<LoggedRequest> All => [.. _requests];

    /// <summary>How many requests there were; what comes later is <c>Since</c> it.</summary>
    public int Count => _requests.Count;

    public IReadOnlyList<LoggedRequest> Since(int count) => [.. _requests.Skip(count)];

    /// <summary>The requests since then that could change what is stored. S3's only POST that reads is SelectObjectContent.</summary>
    public IReadOnlyList<LoggedRequest> ChangesSince(int count) => [.. Since(count).Where(r => r.Method is not ("GET" or "HEAD"))];

    public void OnNext(DiagnosticListener value)
    {
        if (value.Name == "Microsoft.AspNetCore") _subscriptions.Add(value.Subscribe(this, name => name.StartsWith("Microsoft.AspNetCore.Hosting.HttpRequestIn", StringComparison.Ordinal)));
    }

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (value.Value is not HttpContext http || http.Connection.LocalPort != _port) return;
        if (value.Key == Started)
        {
            var request = new LoggedRequest(http.Request.Method, http.Request.Path.Value ?? "", http.Request.QueryString.Value ?? "");
            http.Items[this] = request;
            _requests.Enqueue(request);
        }
        else if (value.Key == Stopped && http.Items[this] is LoggedRequest request)
        {
            request.Status = http.Response.StatusCode;
        }
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }

    public void Dispose() => _subscriptions.ForEach(s => s.Dispose());
}

/// <summary>A request that reached a server.</summary>
internal sealed record LoggedRequest(string Method, string Path, string Query)
{
    /// <summary>The answer's status; 0 while there is none.</summary>
    public int Status { get; set; }

    /// <summary>True if it carries a part of an upload.</summary>
    public bool IsPart => Method == "PUT" && Query.Contains("partNumber=", StringComparison.Ordinal);

    public override string ToString() => $"{Method} {Path}{Query}: {Status}";
}
