// The explorer: GraphiQL on this server's API. Queries and mutations go by
// POST, subscriptions by websocket; both carry the headers that were typed.
'use strict';

const api = new URL('/graphql', location.href).href;

const firstQuery = `# 1. Put an API token into the headers below.
# 2. Press the round arrows at the lower left: the docs and completion come.
# 3. Press the play button and choose an operation.

query Latest {
  viewer { name role organization { name } }
  assessments(first: 10) {
    nodes {
      id status candidate { name } test { name }
      result { score } delivery { state }
    }
    pageInfo { hasNextPage endCursor }
  }
}

subscription Live {
  assessmentChanged {
    cursor
    event { type }
    assessment { id status candidate { name } }
  }
}
`;

// One socket for each set of headers, since they are told when it opens.
let socket = { headers: '', client: null };

function socketFor(headers) {
  const key = JSON.stringify(headers);
  if (socket.client === null || socket.headers !== key) {
    if (socket.client !== null) socket.client.dispose();
    const client = graphqlWs.createClient({ url: api.replace(/^http/, 'ws'), connectionParams: headers, lazy: true });
    socket = { headers: key, client };
  }
  return socket.client;
}

function fetcher(params, options) {
  const headers = (options && options.headers) || {};
  const send = GraphiQL.createFetcher({ url: api, wsClient: socketFor(headers) });
  return send(params, options);
}

ReactDOM.createRoot(document.getElementById('explorer')).render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultQuery: firstQuery,
    defaultHeaders: '{"Authorization": "Bearer "}',
    shouldPersistHeaders: false, // a token is not left behind in the browser
    defaultEditorToolsVisibility: 'headers',
  }),
);
