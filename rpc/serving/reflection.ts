/**
 * gRPC server reflection, v1 and v1alpha, from the generated descriptors.
 */
import {
  type DescEnum,
  type DescExtension,
  type DescFile,
  type DescMessage,
  type DescService,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import { file_google_rpc_error_details } from "../../gen/google/rpc/error_details_pb.js";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.js";

/** The reflection services; they describe themselves too. */
export const REFLECTION_SERVICES: readonly DescService[] = [ServerReflection, ServerReflectionAlpha];

/** The two versions have the same messages under different names; what both share is written here without names. */
interface Asked {
  readonly host: string;
  readonly messageRequest:
    | { readonly case: "listServices" | "fileByFilename" | "fileContainingSymbol"; readonly value: string }
    | { readonly case: "allExtensionNumbersOfType"; readonly value: string }
    | {
        readonly case: "fileContainingExtension";
        readonly value: { readonly containingType: string; readonly extensionNumber: number };
      }
    | { readonly case: undefined };
}

type Answer =
  | { case: "listServicesResponse"; value: { service: { name: string }[] } }
  | { case: "fileDescriptorResponse"; value: { fileDescriptorProto: Uint8Array[] } }
  | { case: "allExtensionNumbersResponse"; value: { baseTypeName: string; extensionNumber: number[] } }
  | { case: "errorResponse"; value: { errorCode: Code; errorMessage: string } };

interface Index {
  readonly serviceNames: readonly string[];
  readonly files: ReadonlyMap<string, DescFile>;
  /** Full names of messages, fields, oneofs, enums, enum values, extensions, services and methods. */
  readonly symbols: ReadonlyMap<string, DescFile>;
  /** By extended message, then by field number. */
  readonly extensions: ReadonlyMap<string, ReadonlyMap<number, DescFile>>;
}

/** Registers both versions; they answer about the given services, themselves, and everything these refer to. */
export function registerReflection(router: ConnectRouter, services: readonly DescService[]): void {
  const index = indexOf([...services, ...REFLECTION_SERVICES]);
  async function* serverReflectionInfo<Request extends Asked>(requests: AsyncIterable<Request>) {
    const sent = new Set<DescFile>();
    for await (const request of requests) {
      yield { validHost: request.host, originalRequest: request, messageResponse: answer(request, index, sent) };
    }
  }
  router.service(ServerReflection, { serverReflectionInfo });
  router.service(ServerReflectionAlpha, { serverReflectionInfo });
}

function answer({ messageRequest: asked }: Asked, index: Index, sent: Set<DescFile>): Answer {
  switch (asked.case) {
    case "listServices":
      return { case: "listServicesResponse", value: { service: index.serviceNames.map((name) => ({ name })) } };
    case "fileByFilename":
      return fileAnswer(index.files.get(asked.value), `file ${asked.value}`, sent);
    case "fileContainingSymbol":
      return fileAnswer(index.symbols.get(asked.value), `symbol ${asked.value}`, sent);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = asked.value;
      const file = index.extensions.get(containingType)?.get(extensionNumber);
      return fileAnswer(file, `extension ${extensionNumber} of ${containingType}`, sent);
    }
    case "allExtensionNumbersOfType": {
      if (!index.symbols.has(asked.value)) return errorAnswer(Code.NotFound, `type ${asked.value} is not known here`);
      const numbers = [...(index.extensions.get(asked.value)?.keys() ?? [])].sort((a, b) => a - b);
      return {
        case: "allExtensionNumbersResponse",
        value: { baseTypeName: asked.value, extensionNumber: numbers },
      };
    }
    case undefined:
      return errorAnswer(Code.InvalidArgument, "message_request is empty");
  }
}

function errorAnswer(errorCode: Code, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}

/** A file with everything it imports, without what the same stream has had already. */
function fileAnswer(root: DescFile | undefined, what: string, sent: Set<DescFile>): Answer {
  if (root === undefined) return errorAnswer(Code.NotFound, `${what} is not known here`);
  const files: DescFile[] = [];
  const add = (file: DescFile): void => {
    if (sent.has(file) && file !== root) return;
    sent.add(file);
    files.push(file);
    file.dependencies.forEach(add);
  };
  add(root);
  const fileDescriptorProto = files.map((file) => toBinary(FileDescriptorProtoSchema, file.proto));
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function indexOf(services: readonly DescService[]): Index {
  const files = new Map<string, DescFile>();
  const symbols = new Map<string, DescFile>();
  const extensions = new Map<string, Map<number, DescFile>>();

  function addEnum(desc: DescEnum): void {
    symbols.set(desc.typeName, desc.file);
    // Enum values are named beside their enum, not inside it.
    const scope = desc.typeName.slice(0, desc.typeName.length - desc.name.length);
    for (const value of desc.values) symbols.set(scope + value.name, desc.file);
  }
  function addExtension(desc: DescExtension): void {
    symbols.set(desc.typeName, desc.file);
    const numbers = extensions.get(desc.extendee.typeName) ?? new Map<number, DescFile>();
    extensions.set(desc.extendee.typeName, numbers.set(desc.number, desc.file));
  }
  function addMessage(desc: DescMessage): void {
    symbols.set(desc.typeName, desc.file);
    for (const member of [...desc.fields, ...desc.oneofs]) symbols.set(`${desc.typeName}.${member.name}`, desc.file);
    desc.nestedMessages.forEach(addMessage);
    desc.nestedEnums.forEach(addEnum);
    desc.nestedExtensions.forEach(addExtension);
  }
  function addFile(file: DescFile): void {
    if (files.has(file.proto.name)) return;
    files.set(file.proto.name, file);
    file.dependencies.forEach(addFile);
    file.messages.forEach(addMessage);
    file.enums.forEach(addEnum);
    file.extensions.forEach(addExtension);
    for (const service of file.services) {
      symbols.set(service.typeName, file);
      for (const method of service.methods) symbols.set(`${service.typeName}.${method.name}`, file);
    }
  }
  for (const service of services) addFile(service.file);
  // Error details name their types only by text; a client that prints them asks here what they are.
  addFile(file_google_rpc_error_details);
  return { serviceNames: services.map((service) => service.typeName).sort(), files, symbols, extensions };
}
