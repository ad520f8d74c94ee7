using System.Globalization;
using System.Text;

namespace Strata.Benchmarks;

/// <summary>A multipart upload over one connection, part after part.</summary>
internal sealed class PartUpload
{
    private readonly SocketConnection _connection;
    private readonly Uri _server;
    private readonly string _path;
    private readonly string _id;
    private readonly StringBuilder _list = new("<CompleteMultipartUpload>");
    private int _parts;

    /// <summary>Begins it.</summary>
    public PartUpload(SocketConnection connection, Uri server, string path)
    {
        (_connection, _server, _path) = (connection, server, path);
        string xml = connection.Ask(WireRequest.Post(server, $"{path}?uploads", ""));
        const string Open = "<UploadId>", Close = "</UploadId>";
        int start = xml.IndexOf(Open, StringComparison.Ordinal) + Open.Length;
        _id = Uri.EscapeDataString(xml[start..xml.IndexOf(Close, StringComparison.Ordinal)]);
    }

    public void Put(ReadOnlyMemory<byte> bytes)
    {
        _connection.Send(WireRequest.Put(_server, string.Create(CultureInfo.InvariantCulture, $"{_path}?partNumber={++_parts}&uploadId={_id}"), bytes));
        Sink.Expect(_connection.Receive(), 0);
        _list.Append(CultureInfo.InvariantCulture, $"<Part><PartNumber>{_parts}</PartNumber><ETag>{_connection.Header("ETag")}</ETag></Part>");
    }

    public void Complete()
    {
        // S3 may find an error after it has begun to answer with 200.
        string xml = _connection.Ask(WireRequest.Post(_server, $"{_path}?uploadId={_id}", _list.Append("</CompleteMultipartUpload>").ToString()));
        if (!xml.Contains("<CompleteMultipartUploadResult", StringComparison.Ordinal)) throw new InvalidOperationException(xml);
    }
}
