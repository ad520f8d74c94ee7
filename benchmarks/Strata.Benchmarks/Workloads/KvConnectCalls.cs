using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Strata.KvConnect;
using Wire = Strata.KvConnect.Messages;

namespace Strata.Benchmarks;

/// <summary>Requests of KV Connect to one database, made beforehand, and those of the same length to a server that does nothing.</summary>
internal sealed class KvConnectCalls
{
    private const int Keys = 1_000, ValueLength = 1_024;
    private readonly ScatteredKeys _keys = new(Keys);
    private readonly byte[] _value = Payload.Of(ValueLength);
    private readonly string _path, _headers;

    /// <summary>Asks the server for the database's metadata, as a client does.</summary>
    public KvConnectCalls(ServerProcess server, string database)
    {
        _path = $"/_kv/{database}";
        using var connection = new SocketConnection(server.Address);
        string metadata = connection.Ask(WireRequest.Post(server.Address, _path, """{"supportedVersions":[3]}"""u8.ToArray(), ""));
        string id = JsonDocument.Parse(metadata).RootElement.GetProperty("databaseId").GetString()!;
        _headers = $"Authorization: Bearer nobody-is-asked\r\nContent-Type: {Protocol.MessageType}\r\n{Protocol.VersionHeader}: 3\r\n{Protocol.DatabaseHeader}: {id}\r\n";
        Gets = Of(server, Protocol.SnapshotRead, key => new Wire.SnapshotRead { Ranges = { new Wire.ReadRange { Start = key, End = ByteString.CopyFrom([.. key.Span, 0]), Limit = 1 } } });
        Sets = Of(server, Protocol.AtomicWrite, key => new Wire.AtomicWrite
        {
            Mutations = { new Wire.Mutation { Key = key, MutationType = Wire.MutationType.MSet, Value = new Wire.KvValue { Data = ByteString.CopyFrom(_value), Encoding = Wire.ValueEncoding.VeBytes } } },
        });
        foreach (WireRequest set in Sets) LengthOf(connection, set);
        GetLength = LengthOf(connection, Gets[0]);
        SetLength = LengthOf(connection, Sets[0]);
    }

    /// <summary>Reads of one key each, of 1 KiB.</summary>
    public WireRequest[] Gets { get; }

    /// <summary>Writes of one key each, of 1 KiB.</summary>
    public WireRequest[] Sets { get; }

    /// <summary>Bytes of an answer's body.</summary>
    public long GetLength { get; }

    /// <summary>Bytes of an answer's body.</summary>
    public long SetLength { get; }

    /// <summary>As many bytes of the same headers to a server that answers as many.</summary>
    public WireRequest[] Emptied(ServerProcess raw, WireRequest[] requests, long answer) => [.. requests.Select(r =>
    {
        int body = r.Start.Length - (r.Start.Span.IndexOf("\r\n\r\n"u8) + 4);
        return WireRequest.Post(raw.Address, $"/exchange/{answer}", new byte[body], _headers);
    })];

    /// <summary>Writes of as many bytes to a server that makes a durable file of each.</summary>
    public WireRequest[] Files(ServerProcess raw) => [.. Enumerable.Range(0, Keys).Select(i => WireRequest.Put(raw.Address, $"/file/set-{i}", _value))];

    private WireRequest[] Of(ServerProcess server, string call, Func<ByteString, IMessage> message) =>
        [.. _keys.Bytes.Select(key => WireRequest.Post(server.Address, $"{_path}/{call}", message(ByteString.CopyFrom(key)).ToByteArray(), _headers))];

    private static long LengthOf(SocketConnection connection, WireRequest request)
    {
        connection.Send(request);
        return connection.Receive();
    }
}
