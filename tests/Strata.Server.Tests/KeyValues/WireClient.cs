using System.Net.Http.Headers;
using Google.Protobuf;
using Strata.KvConnect;
using Wire = Strata.KvConnect.Messages;

namespace Strata.Server.Tests;

/// <summary>Says to a database exactly what a test says, without a client that would refuse it, mend it or try it again.</summary>
internal sealed class WireClient(HttpClient http, string name, string? token = null, string root = "/_kv/")
{
    /// <summary>What a write of one number is.</summary>
    public static Wire.AtomicWrite Set(byte[] key, ulong number = 1) => WireForm.Of(new AtomicWrite { Mutations = [KvMutation.Set(key, KvValue.OfUInt64(number))] });

    /// <summary>What a read of one key is.</summary>
    public static Wire.SnapshotRead Get(byte[] key) => Read(ReadRange.Of(key));

    /// <summary>What a read of ranges is.</summary>
    public static Wire.SnapshotRead Read(params ReadRange[] ranges)
    {
        var message = new Wire.SnapshotRead();
        message.Ranges.AddRange(ranges.Select(r => new Wire.ReadRange { Start = WireForm.Bytes(r.Start), End = WireForm.Bytes(r.End), Limit = r.Limit, Reverse = r.Reverse, KeysOnly = r.KeysOnly }));
        return message;
    }

    /// <summary>Calls the data path, as version 3 does.</summary>
    public Task<HttpResponseMessage> CallAsync(string call, byte[] body) =>
        CallAsync(call, body, (Protocol.VersionHeader, "3"), (Protocol.DatabaseHeader, KvEndpoints.IdOf(name).ToString()));

    /// <summary>Calls the data path, as version 3 does.</summary>
    public Task<HttpResponseMessage> CallAsync(string call, IMessage body) => CallAsync(call, body.ToByteArray());

    /// <summary>Asks where the database is.</summary>
    public Task<HttpResponseMessage> AskAsync(string json = """{"supportedVersions":[1,2,3]}""") => SendAsync(HttpMethod.Post, "", System.Text.Encoding.UTF8.GetBytes(json));

    /// <summary>Calls with just these headers.</summary>
    public Task<HttpResponseMessage> CallAsync(string call, byte[] body, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Post, "/" + call, body, headers);

    /// <summary>Any request below the database's path.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, byte[]? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, root + name + path) { Content = body is null ? null : new ByteArrayContent(body) };

        // Else the server has answered and closed before all of it is sent.
        if (body?.Length > 256 << 10) request.Headers.ExpectContinue = true;
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        foreach ((string header, string value) in headers) request.Headers.TryAddWithoutValidation(header, value);
        return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    /// <summary>The answer of a call, as a message.</summary>
    public static async Task<T> ReadAsync<T>(HttpResponseMessage answer, MessageParser<T> parser)
        where T : IMessage<T>
    {
        byte[] body = await answer.Content.ReadAsByteArrayAsync();
        if (!answer.IsSuccessStatusCode) Xunit.Assert.Fail($"{(int)answer.StatusCode}: {System.Text.Encoding.UTF8.GetString(body)}");
        return parser.ParseFrom(body);
    }

    /// <summary>The number at a key; null: none.</summary>
    public async Task<ulong?> NumberAsync(byte[] key)
    {
        using HttpResponseMessage answer = await CallAsync(Protocol.SnapshotRead, Get(key));
        Wire.SnapshotReadOutput output = await ReadAsync(answer, Wire.SnapshotReadOutput.Parser);
        return output.Ranges[0].Values is [var entry] ? System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(entry.Value.Span) : null;
    }
}
