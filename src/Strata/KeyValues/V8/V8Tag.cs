namespace Strata;

/// <summary>The tags of V8's serialised values (v8: <c>src/objects/value-serializer.cc</c>).</summary>
internal static class V8Tag
{
    public const byte Version = 0xFF, Padding = 0, VerifyCount = (byte)'?';
    public const byte Hole = (byte)'-', Undefined = (byte)'_', Null = (byte)'0', True = (byte)'T', False = (byte)'F';
    public const byte Int32 = (byte)'I', Uint32 = (byte)'U', Double = (byte)'N', BigInt = (byte)'Z';
    public const byte Utf8String = (byte)'S', OneByteString = (byte)'"', TwoByteString = (byte)'c';
    public const byte Reference = (byte)'^', Date = (byte)'D', RegExp = (byte)'R', Error = (byte)'r';
    public const byte BeginObject = (byte)'o', EndObject = (byte)'{';
    public const byte BeginSparseArray = (byte)'a', EndSparseArray = (byte)'@', BeginDenseArray = (byte)'A', EndDenseArray = (byte)'$';
    public const byte BeginMap = (byte)';', EndMap = (byte)':', BeginSet = (byte)'\'', EndSet = (byte)',';
    public const byte TrueObject = (byte)'y', FalseObject = (byte)'x', NumberObject = (byte)'n', BigIntObject = (byte)'z', StringObject = (byte)'s';
    public const byte ArrayBuffer = (byte)'B', ResizableArrayBuffer = (byte)'~', View = (byte)'V', Uint8View = (byte)'B';

    /// <summary>The version that is written.</summary>
    public const uint WrittenVersion = 15;

    /// <summary>From this version on a view has flags.</summary>
    public const uint VersionWithFlags = 14;
}
